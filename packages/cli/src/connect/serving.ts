import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { connect } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { findPlace, type Places } from './places.ts'

/** As the broker's end has it. */
const mostStreams = 1024
const windowBytes = 262_144
const memory = 256
/** A place that does not answer is none; and a broker that is silent for longer than both is gone. */
const dialMs = 10_000
const pingEveryMs = 15_000
const pongWithinMs = 10_000

/** The broker's streams on one connection. */
export interface Served {
  /** Resolves when the connection is no longer there. */
  readonly over: Promise<void>
  /** Takes no more streams; ends once those that run are over. */
  finish(): void
  cut(): void
}

/** Serves the broker's streams. `refused` hears of what the broker asked for and may not have. */
export function serve(socket: Duplex, places: Places, refused: (authority: string) => void): Served {
  const session = performServerHandshake(socket, {
    settings: {
      enablePush: false,
      initialWindowSize: windowBytes,
      maxConcurrentStreams: mostStreams,
    },
    maxSessionMemory: memory,
  })
  session.on('error', () => socket.destroy())
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    const authority = headers[':authority'] ?? ''
    if (headers[':method'] !== 'CONNECT') answer(stream, 405)
    else if (!join(stream, places, authority)) {
      refused(authority)
      answer(stream, 403)
    }
  })
  const stop = keepAsking(session, socket)
  const over = new Promise<void>((resolve) => socket.once('close', resolve)).then(stop)
  // A session that is destroyed waits for its last bytes to be taken; the connection's end waits for nothing.
  const cut = () => void socket.destroy()
  session.once('close', cut)
  socket.once('end', cut)
  socket.once('close', () => session.destroy())
  return { over, finish: () => session.close(), cut }
}

function answer(stream: ServerHttp2Stream, status: number): void {
  if (!stream.destroyed && !stream.headersSent) stream.respond({ ':status': status }, { endStream: true })
}

/** RFC 9113 8.5: a tunnel. False where nothing here has this name. */
function join(stream: ServerHttp2Stream, places: Places, authority: string): boolean {
  const place = findPlace(places, authority)
  if (place === undefined) return false
  const onward = connect({ ...place, noDelay: true, allowHalfOpen: true })
  const late = setTimeout(() => {
    answer(stream, 504)
    onward.destroy()
  }, dialMs)
  const gone = () => onward.destroy()
  stream.once('close', gone)
  onward.on('error', () => answer(stream, 502))
  onward.once('close', () => clearTimeout(late))
  onward.once('connect', () => {
    clearTimeout(late)
    if (stream.destroyed) {
      onward.destroy()
      return
    }
    stream.off('close', gone)
    stream.respond({ ':status': 200 })
    // What breaks on one side breaks on the other, so that nothing cut short looks complete.
    pipeline(onward, stream, (fault) => {
      if (fault && !stream.closed) stream.close(constants.NGHTTP2_CONNECT_ERROR)
    })
    pipeline(stream, onward, (fault) => {
      if (fault) onward.resetAndDestroy()
    })
  })
  return true
}

/** Between us may be a device that forgets connections on which nothing moves, and tells nobody. */
function keepAsking(session: ServerHttp2Session, socket: Duplex): () => void {
  let waiting: NodeJS.Timeout | undefined
  const every = setInterval(() => {
    if (waiting !== undefined || session.destroyed) return
    waiting = setTimeout(() => socket.destroy(), pongWithinMs)
    session.ping(() => {
      clearTimeout(waiting)
      waiting = undefined
    })
  }, pingEveryMs)
  return () => {
    clearInterval(every)
    clearTimeout(waiting)
  }
}
