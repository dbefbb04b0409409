/**
 * An upstream that speaks HTTP/2: what goes there is said in HTTP/1.1 on a connection in memory, as to any other, and said
 * again at its end as one stream. So there is one carrier of requests, whatever is spoken on either side.
 */
import type { Agent, ClientRequestArgs, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { type Duplex, duplexPair } from 'node:stream'
import type { Tools } from '../../../../base/tools.ts'
import { hasBody, pairs } from '../fields.ts'
import { sendHead } from '../send-head.ts'
import { type Http2Connections, openConnections, type Way } from './connections.ts'
import { answerFields } from './fields.ts'

/** `agent`: one whose connections nobody keeps. It is changed, and returned. */
export function overHttp2(agent: Agent, way: Way): Agent {
  const { origin, tools } = way
  const connections = openConnections(way)
  const passages = new WeakMap<object, Omit<Onward, 'request' | 'response'>>()
  const said = createServer({ maxHeaderSize: 65_536, requireHostHeader: false, keepAliveTimeout: 0 })
  const carry = (request: IncomingMessage, response: ServerResponse) => {
    const passage = passages.get(request.socket)
    if (passage === undefined) request.socket.destroy()
    else carryOnward({ ...passage, request, response }, mostRepeats)
  }
  said.on('request', carry)
  said.on('checkContinue', carry)
  agent.createConnection = (_: ClientRequestArgs, done) => {
    connections.take().then(
      (session) => {
        const [near, far] = duplexPair()
        // Neither side of a pair hears of it when the other one is destroyed.
        const cut = () => {
          near.destroy(new Error('the upstream ended its stream'))
          far.destroy()
        }
        near.on('error', () => {}).once('close', () => far.destroy())
        far.on('error', () => {})
        presentNear(near, far, tools)
        passages.set(far, { session, connections, origin, cut })
        said.emit('connection', far)
        done?.(null, near)
      },
      // What was never connected is given to Node as what a socket would say.
      (cause: Error) => done?.(cause, duplexPair()[0]),
    )
    return undefined
  }
  const destroy = agent.destroy.bind(agent)
  agent.destroy = () => {
    connections.destroy()
    return destroy()
  }
  return agent
}

interface Onward {
  readonly session: ClientHttp2Session
  readonly connections: Http2Connections
  readonly origin: URL
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Ends the connection in memory: an end of the message would make what was cut look complete. */
  readonly cut: () => void
}

/** As far as Node's client looks at a socket: it asks for `timeout` after a time in which nothing moved. */
function presentNear(near: Duplex, far: Duplex, { after }: Pick<Tools, 'after'>): void {
  let cancel = () => {}
  let isMoving = false
  const moved = () => {
    isMoving = true
  }
  for (const side of [near, far]) {
    const push = side.push.bind(side)
    side.push = (...piece: Parameters<typeof push>) => {
      moved()
      return push(...piece)
    }
  }
  const watch = (ms: number) => {
    cancel()
    if (ms === 0 || near.destroyed) return
    isMoving = false
    cancel = after(ms, () => {
      if (isMoving) watch(ms)
      else near.emit('timeout')
    })
  }
  near.once('close', () => cancel())
  const setTimeout = (side: Duplex, set: (ms: number) => void) =>
    Object.defineProperty(side, 'setTimeout', {
      value: (ms: number) => {
        set(ms)
        return side
      },
    })
  setTimeout(near, watch)
  setTimeout(far, () => {})
}

/** An upstream that says good-bye may do so on each of its connections. */
const mostRepeats = 3

/** `repeats`: how often another connection may be taken where the upstream has done nothing of it. */
function carryOnward(onward: Onward, repeats: number): void {
  const { session, connections, origin, request, response, cut } = onward
  const isWhole = !hasBody(request.rawHeaders)
  let stream: ClientHttp2Stream
  try {
    stream = session.request(headFor(request, origin), { endStream: isWhole, waitForTrailers: !isWhole })
  } catch {
    if (repeats > 0 && session.closed) repeat(onward, repeats)
    else cut()
    return
  }
  const { left } = connections.entered(session)
  let isAnswered = false
  const gone = () => stream.close(constants.NGHTTP2_CANCEL)
  request.socket.once('close', gone)
  stream.on('error', () => {})
  stream.once('close', () => {
    left()
    request.socket.off('close', gone)
    if (response.writableEnded || request.socket.destroyed) return
    if (!isAnswered && isWhole && repeats > 0 && isUndone(stream, request)) repeat(onward, repeats)
    else cut()
  })
  stream.on('continue', () => response.writeContinue())
  stream.on('response', (_fields, _flags, raw: unknown) => {
    isAnswered = true
    giveBack(stream, response, raw as readonly string[], cut)
  })
  if (isWhole) return
  stream.on('wantTrailers', () => orCut(cut, () => stream.sendTrailers(answerFields(request.rawTrailers))))
  request.pipe(stream)
}

/** A refused stream was not looked at (RFC 9113 8.7); of a connection that ended nobody knows, and what changes nothing may be asked twice. */
function isUndone({ rstCode }: ClientHttp2Stream, { method }: IncomingMessage): boolean {
  return rstCode === constants.NGHTTP2_REFUSED_STREAM || ['GET', 'HEAD', 'OPTIONS'].includes(method ?? '')
}

function repeat(onward: Onward, repeats: number): void {
  onward.connections.take().then((session) => carryOnward({ ...onward, session }, repeats - 1), onward.cut)
}

/** RFC 9113 8.3.1: the host is the authority; nothing of the connection in memory goes on. */
function headFor(request: IncomingMessage, origin: URL): Record<string, string | string[]> {
  const { host = [origin.host], te: _, ...fields } = answerFields(request.rawHeaders)
  return {
    ':method': request.method ?? 'GET',
    ':path': request.url ?? '/',
    ':scheme': origin.protocol.slice(0, -1),
    ':authority': host[0] ?? origin.host,
    ...fields,
    // We read them, whoever asks: whether they go on is decided behind us.
    te: 'trailers',
  }
}

function giveBack(
  stream: ClientHttp2Stream,
  response: ServerResponse,
  raw: readonly string[],
  cut: () => void,
): void {
  let status = 502
  const fields: string[] = []
  for (const [name, value] of pairs(raw)) {
    if (name === ':status') status = Number(value)
    else if (!name.startsWith(':')) fields.push(name, value)
  }
  let trailers: readonly string[] = []
  stream.on('trailers', (_fields, _flags, said: unknown) => {
    trailers = said as readonly string[]
  })
  try {
    response.sendDate = false
    response.writeHead(status, fields)
    sendHead(response)
  } catch {
    stream.close(constants.NGHTTP2_CANCEL)
    return
  }
  stream.on('end', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
    orCut(cut, () => {
      if (trailers.length > 0)
        response.addTrailers([...pairs(trailers)].map(([name, value]): [string, string] => [name, value]))
      response.end()
    })
  })
  stream.pipe(response, { end: false })
}

/** What one version can say and the other cannot is cut: in an event nobody would catch it. */
function orCut(cut: () => void, say: () => void): void {
  try {
    say()
  } catch {
    cut()
  }
}
