/** Connections of HTTP/2 to one place of an upstream: as few as carry all that runs. */
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Tools } from '../../../../base/tools.ts'

/** Streams on one connection, where the upstream takes as many; connections to one place. */
const most = { streams: 100, connections: 64 } as const
/** A connection on which nothing runs is closed after this. */
const quietMs = 60_000

export interface Http2Connections {
  /** One with room for a stream. Rejects with what kept it from coming about. */
  take(): Promise<ClientHttp2Session>
  /** Counts a stream of a connection until `left` is called. */
  entered(session: ClientHttp2Session): { left(): void }
  destroy(): void
}

/** How a place is reached. */
export interface Way {
  readonly origin: URL
  /** A new connection, TLS on it where the origin says so. */
  dial(): Duplex
  /** One that has not come about after this long is given up. */
  readonly connectMs: number
  readonly tools: Pick<Tools, 'after'>
}

/** Opens nothing yet. */
export function openConnections(way: Way): Http2Connections {
  const running = new Map<ClientHttp2Session, number>()
  let opening: Promise<ClientHttp2Session> | undefined
  const hasRoom = (session: ClientHttp2Session) =>
    !session.closed && !session.destroyed && (running.get(session) ?? 0) < roomOf(session)
  const open = () => {
    opening ??= opened(way, running).finally(() => {
      opening = undefined
    })
    return opening
  }
  return {
    async take() {
      // Whoever waits for a connection may find it full once it is there.
      for (let turn = 0; turn < most.connections; turn += 1) {
        const session = [...running.keys()].find(hasRoom)
        if (session !== undefined) return session
        if (running.size >= most.connections) break
        await open()
      }
      const [session] = [...running.keys()].filter(({ closed, destroyed }) => !closed && !destroyed)
      // It sends the stream once another one of its own has ended (RFC 9113 5.1.2).
      return session ?? open()
    },
    entered(session) {
      running.set(session, (running.get(session) ?? 0) + 1)
      return {
        left: () => {
          if (running.has(session)) running.set(session, (running.get(session) ?? 1) - 1)
        },
      }
    },
    destroy() {
      for (const session of running.keys()) session.destroy()
    },
  }
}

function roomOf({ remoteSettings }: ClientHttp2Session): number {
  return Math.min(most.streams, remoteSettings?.maxConcurrentStreams ?? most.streams)
}

function opened(
  { origin, dial, connectMs, tools }: Way,
  running: Map<ClientHttp2Session, number>,
): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(origin, { createConnection: dial, settings: { enablePush: false } })
    const cancel = tools.after(connectMs, () =>
      session.destroy(new Error('the connection did not come about in time')),
    )
    session.on('error', reject)
    session.once('close', () => {
      cancel()
      running.delete(session)
      reject(new Error('the connection was closed before it was there'))
    })
    session.once('connect', (_, socket) => {
      cancel()
      if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
        session.destroy(new Error('the upstream does not speak HTTP/2'))
        return
      }
      running.set(session, 0)
      // It takes no new streams any more (RFC 9113 6.8); those that run are finished.
      session.once('goaway', () => session.close())
      session.setTimeout(quietMs, () => {
        if ((running.get(session) ?? 0) === 0) session.close()
      })
      resolve(session)
    })
  })
}
