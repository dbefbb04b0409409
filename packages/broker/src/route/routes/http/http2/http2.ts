/**
 * http2: HTTP/2 in front of a route. Each stream is said again in HTTP/1.1, on a connection in memory, to the very server
 * that serves HTTP/1.1: there is one reader of requests, one gate behind it, and one set of limits. It decides nothing.
 */
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Tools } from '../../../../base/tools.ts'
import type { Serving } from '../served.ts'
import { carryStream } from './stream.ts'

export interface Http2 {
  take(socket: TLSSocket): void
  /** Says that no new streams are taken (RFC 9113 6.8), and finishes those that run. */
  close(): void
  cut(): void
}

/** What one connection may hold. Streams are counted with all other requests of the route. */
const limits = {
  maxHeaderListPairs: 128,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxOutstandingPings: 10,
  maxSettings: 32,
  /** Megabytes. */
  maxSessionMemory: 16,
  // CVE-2023-44487: streams that are opened and reset at once.
  streamResetBurst: 200,
  streamResetRate: 50,
  unknownProtocolTimeout: 1,
  settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16_384, enablePush: false },
} as const

/** A connection whose last stream ended is closed after this, whatever else it says. */
const quietMs = 75_000

export interface Http2Times {
  /** By then the first stream is there. */
  readonly headersMs: number
  /** A caller may take nothing of an answer for so long. */
  readonly stillMs: number
}

/** `serve`: takes a connection as the server of HTTP/1.1 does. */
export function openHttp2(serving: Serving, times: Http2Times, serve: (side: Duplex) => void): Http2 {
  const { stillMs, headersMs } = times
  const { after } = serving.tools
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer(limits)
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.on('error', () => {})
    endQuiet(session, headersMs, serving.tools)
    if (serving.closing) session.close()
  })
  server.on('sessionError', (cause) => serving.tools.log.debug('an HTTP/2 connection was cut', { cause }))
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: unknown) => {
    stream.on('error', () => {})
    // The caller hears that it may try again (RFC 9113 8.7).
    if (serving.closing) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else carryStream(stream, raw as readonly string[], serve, { after, stillMs })
  })
  return {
    take: (socket) => void server.emit('connection', socket),
    close: () => {
      for (const session of sessions) session.close()
    },
    cut: () => {
      for (const session of sessions) session.destroy()
    },
  }
}

/**
 * Ends a connection on which nobody asks anything: pings, settings or half a head keep it no longer than silence does. A
 * stream that is open has times of its own.
 */
function endQuiet(session: ServerHttp2Session, headersMs: number, { after }: Pick<Tools, 'after'>): void {
  let open = 0
  let cancel = after(headersMs, () => session.destroy())
  session.on('stream', (stream: ServerHttp2Stream) => {
    open++
    cancel()
    stream.once('close', () => {
      open--
      if (open > 0 || session.destroyed) return
      cancel()
      cancel = after(quietMs, () => session.destroy())
    })
  })
  session.once('close', () => cancel())
}
