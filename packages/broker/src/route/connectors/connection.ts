import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Reachable } from '../../base/reach.ts'
import type { Tools } from '../../base/tools.ts'
import { Tunnel } from './tunnel.ts'

/** Streams that one connector carries at once: each may hold a window of bytes here. */
const mostStreams = 1024
const windowBytes = 262_144
/** Node's own limit in megabytes is too small for so many streams. */
const memory = 256
/** A connection whose other end fell silent is noticed after both. */
const pingEveryMs = 15_000
const pongWithinMs = 10_000

/** A connector that is connected. */
export interface Connection {
  /** `undefined`: it carries as much as it may, or is going away. */
  open(place: Reachable): Tunnel | undefined
  /** Ends it once nothing is carried any more. */
  finish(): void
  cut(): void
}

/** Speaks HTTP/2 on a connection that the connector dialled; `gone` is called once, when it is no longer there. */
export function openConnection(socket: Duplex, tools: Pick<Tools, 'after'>, gone: () => void): Connection {
  const session = connect('http://connector', {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes },
    peerMaxConcurrentStreams: mostStreams,
    maxSessionMemory: memory,
  })
  let open = 0
  session.on('error', () => socket.destroy())
  session.on('stream', (stream) => stream.close())
  session.once('close', () => socket.destroy())
  // A socket of an HTTP server stays half open otherwise, and nobody would hear of its end.
  socket.once('end', () => socket.destroy())
  socket.once('close', () => {
    session.destroy()
    gone()
  })
  keepAsking(session, socket, tools)
  return {
    open({ host, port }) {
      if (session.closed || session.destroyed || open >= mostStreams) return undefined
      const name = host.includes(':') ? `[${host}]` : host
      const stream = session.request({ ':method': 'CONNECT', ':authority': `${name}:${port}` })
      open++
      stream.once('close', () => open--)
      return new Tunnel(stream)
    },
    finish: () => session.close(),
    cut: () => void socket.destroy(),
  }
}

function keepAsking(session: ClientHttp2Session, socket: Duplex, tools: Pick<Tools, 'after'>): void {
  let cancel = () => {}
  const later = () => {
    cancel = tools.after(pingEveryMs, ask)
  }
  const ask = () => {
    if (session.destroyed) return
    cancel = tools.after(pongWithinMs, () => socket.destroy())
    session.ping((fault) => {
      cancel()
      if (fault === null) later()
      else socket.destroy()
    })
  }
  later()
  session.once('close', () => cancel())
}
