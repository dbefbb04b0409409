import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A wire to a TCP server that can be cut at a chosen moment. */
export interface CutWire {
  readonly port: number
  /** From now on: the next message of a client ends its connection before the server sees it, `times` times. */
  cutNext(times: number): void
  /** The next message that holds `text` still reaches the server; no answer to it comes back. */
  cutAfter(text: string): void
  close(): Promise<void>
}

export async function openCutWire(host: string, port: number): Promise<CutWire> {
  let cuts = 0
  let last: string | undefined
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, host)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    let silent = false
    upstream.on('data', (bytes: Buffer) => {
      if (!silent) client.write(bytes)
      else client.destroy()
    })
    client.on('data', (bytes: Buffer) => {
      if (cuts > 0) {
        cuts--
        client.destroy()
        return
      }
      if (last !== undefined && bytes.includes(last)) {
        last = undefined
        silent = true
      }
      upstream.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cutNext: (times) => {
      cuts = times
    },
    cutAfter: (text) => {
      last = text
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
