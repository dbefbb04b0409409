/** The server of a route over TLS: HTTP/1.1 as without, and HTTP/2 where the caller knows it (RFC 7301, RFC 9113 3.2). */
import type { Server } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Secret } from '../../../base/secret.ts'
import { openHttp2 } from './http2/http2.ts'
import type { Serving } from './served.ts'

/** The route's own certificate with its chain, and its key, PEM. */
export interface RouteTls {
  readonly certificate: Secret
  readonly key: Secret
}

const handshakeMs = 10_000

/** A server, and how those connections of it end that it does not know of. */
export interface SecureServer {
  readonly server: Server
  /** Finishes what runs; `cut` ends that too. */
  close(): void
  cut(): void
}

/** Opens it; nothing listens yet. */
export function openSecure(
  serving: Serving,
  tls: RouteTls,
  { stillMs = 75_000, ...options }: ServerOptions & { readonly stillMs?: number },
): SecureServer {
  const server = createSecureServer({
    ...options,
    cert: tls.certificate.reveal(),
    key: tls.key.reveal(),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: handshakeMs,
  })
  // A handshake that failed has nobody who could read an answer.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (_, socket) => socket.destroy())
  const plain = server.listeners('secureConnection') as ((socket: unknown) => void)[]
  const http2 = openHttp2(serving, { headersMs: options.headersTimeout ?? handshakeMs, stillMs }, (side) => {
    for (const take of plain) take.call(server, side)
  })
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') http2.take(socket)
    else for (const take of plain) take.call(server, socket)
  })
  return { server, close: http2.close, cut: http2.cut }
}
