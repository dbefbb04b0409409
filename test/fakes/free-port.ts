/** Ports for servers that are told their port before they start, or that start again on the same one. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below what Linux and macOS give to `listen(0)` and to outgoing connections: none of those can take it meanwhile. */
const [lowest, highest] = [10_000, 32_000]

/** A second address of loopback, which Linux has: who listens there on a port has taken it, until its process ends. */
const claims = process.platform === 'linux' ? '127.0.0.77' : undefined

/** A port of 127.0.0.1 where nobody listens, and which no other test's process is given while this one lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    const probe = await listening(port, '127.0.0.1')
    if (probe === undefined) continue
    const taken = claims !== undefined && (await listening(port, claims)) === undefined
    probe.close()
    await once(probe, 'close')
    if (!taken) return port
  }
}

/** Nothing where somebody listens already; it keeps no process alive. */
async function listening(port: number, host: string): Promise<Server | undefined> {
  const server = createServer().listen({ port, host, exclusive: true })
  try {
    await once(server, 'listening')
    return server.unref()
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE') return undefined
    throw thrown
  }
}
