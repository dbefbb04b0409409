/** The server of a route that speaks HTTP: who is connected, what each is doing, and how it closes. */
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Address } from '../../../base/address.ts'
import { listenOn } from '../../../base/listening.ts'
import type { Listening } from '../../route.ts'
import { openSecure, type RouteTls } from './secure.ts'
import type { Serving } from './served.ts'
import { answerBrokenRequests } from './unreadable.ts'

/** What is done with requests. What rejects is logged, and its connection cut. */
export interface Requests {
  /** `waits`: the caller sends its body when it is told to (RFC 9110 10.1.1); else it may be on its way. */
  readonly serve: (request: IncomingMessage, response: ServerResponse, waits: boolean) => Promise<void>
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>
  /** Once nothing is served any more. */
  readonly closed?: () => void
}

interface Settings {
  readonly name: string
  readonly target: string
  readonly listen: Address
  readonly max_connections: number
  readonly tls?: RouteTls | undefined
}

const strict: ServerOptions = {
  insecureHTTPParser: false,
  maxHeaderSize: 16_384,
  keepAliveTimeout: 75_000,
  noDelay: true,
  // Ours is the better answer, and it holds for HTTP/1.0 too.
  requireHostHeader: false,
}

/** Listens. `idleMs`: a connection on which nothing moves for so long is cut; absent: Node's own times hold. */
export async function listenForRequests(
  serving: Serving,
  settings: Settings,
  requests: Requests,
  options: ServerOptions & { readonly idleMs?: number },
): Promise<Listening> {
  const { tools, connections, route } = serving
  const { idleMs, ...more } = options
  const secure =
    settings.tls &&
    openSecure(serving, settings.tls, {
      ...strict,
      ...more,
      ...(idleMs === undefined ? {} : { stillMs: idleMs }),
    })
  const server = secure?.server ?? createServer({ ...strict, ...more })
  server.maxConnections = settings.max_connections
  if (idleMs !== undefined) server.timeout = idleMs
  const cut = (cause: unknown, stream: Duplex | ServerResponse) => {
    tools.log.error('a request was cut', { route, cause })
    stream.destroy()
  }
  const take = (request: IncomingMessage, response: ServerResponse, waits: boolean) => {
    // Errors of a connection end in `close`, which is what counts here.
    request.on('error', () => {})
    response.on('error', () => {})
    const leave = connections.take(request, response)
    if (leave === undefined) return
    response.once('close', () => {
      leave()
      if (serving.closing) server.closeIdleConnections()
    })
    requests.serve(request, response, waits).catch((cause: unknown) => cut(cause, response))
  }
  server.on('request', (request, response) => take(request, response, false))
  server.on('checkContinue', (request, response) => take(request, response, true))
  const { upgrade } = requests
  if (upgrade !== undefined)
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {})
      upgrade(request, socket, head).catch((cause: unknown) => cut(cause, socket))
    })
  answerBrokenRequests(server, serving)
  const heard = await listenOn(server, settings.listen, `\`listen\` of route \`${settings.name}\``)
  const url = secure === undefined ? heard : heard.replace('http:', 'https:')
  let closed: Promise<void> | undefined
  const close = (graceMs: number) =>
    new Promise<void>((resolve) => {
      serving.closing = true
      for (const side of serving.switched) side.end()
      secure?.close()
      const cancel = tools.after(graceMs, () => {
        server.closeAllConnections()
        secure?.cut()
        for (const side of serving.switched) side.destroy()
      })
      server.close(() => {
        cancel()
        requests.closed?.()
        resolve()
      })
    })
  return {
    url,
    close(graceMs) {
      closed ??= close(graceMs)
      return closed
    },
  }
}
