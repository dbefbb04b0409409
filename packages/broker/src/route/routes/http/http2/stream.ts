/** One stream of HTTP/2 as one connection of HTTP/1.1 in memory: its request there, the answer back. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { type Duplex, duplexPair } from 'node:stream'
import type { Tools } from '../../../../base/tools.ts'
import { pairs } from '../fields.ts'
import { markSecondVersion } from '../received-version.ts'
import { sendHead } from '../send-head.ts'
import { readsTrailers } from '../trailers.ts'
import { answerFields, type Head, headOf } from './fields.ts'

export interface Times extends Pick<Tools, 'after'> {
  /** How long an answer that is over in front of us may stand still on its way to its caller. */
  readonly stillMs: number
}

/** Carries it. Every way it can end answers or resets the stream; nothing throws. */
export function carryStream(
  stream: ServerHttp2Stream,
  raw: readonly string[],
  serve: (side: Duplex) => void,
  times: Times,
): void {
  const [near, far] = duplexPair()
  present(far, stream)
  for (const side of [near, far]) side.on('error', () => {})
  const head = headOf(raw, !stream.endAfterHeaders)
  serve(far)
  // What cannot be said is refused, and recorded, where all requests are read: this line is no request.
  if (head === undefined) near.write('unfit\r\n\r\n')
  const onward = ask(head ?? unsayable, near)
  // Destroyed, because closing would first end the body, which then looked complete.
  const reset = () => {
    stream.destroy(new Error('the answer was cut'))
    near.destroy()
    far.destroy()
  }
  onward.on('error', reset)
  // The near side hears of it only behind what it has not read: a caller that takes nothing would hold that for ever.
  far.once('close', () => {
    if (!stream.destroyed) giveUp(stream, near, reset, times)
  })
  onward.on('continue', () => {
    if (!stream.headersSent && !stream.closed) stream.additionalHeaders({ ':status': 100 })
  })
  const reads = head !== undefined && readsTrailers(head.headers)
  onward.on('response', (answer) => giveBack(stream, answer, reads, reset))
  stream.once('close', () => {
    if (!near.destroyed) onward.destroy()
  })
  send(stream, onward)
}

const unsayable: Head = { method: 'GET', path: '/', headers: ['host', 'unfit.invalid'] }

function ask({ method, path, headers }: Head, near: Duplex): ClientRequest {
  return httpRequest({ createConnection: () => near, method, path, headers: [...headers], setHost: false })
}

/** Ends it once nothing moves. Node's own time of a stream starts again whenever another one of its connection moves. */
function giveUp(stream: ServerHttp2Stream, near: Duplex, reset: () => void, { after, stillMs }: Times): void {
  const left = () => near.readableLength + stream.bufferSize
  let before = left()
  const look = () => {
    const now = left()
    if (now === before) reset()
    else cancel = after(stillMs, look)
    before = now
  }
  let cancel = after(stillMs, look)
  stream.once('close', () => cancel())
}

/** As far as those who read from it look at a socket. */
function present(far: Duplex, stream: ServerHttp2Stream): void {
  markSecondVersion(far)
  const { remoteAddress } = stream.session?.socket ?? {}
  Object.defineProperties(far, {
    remoteAddress: { value: remoteAddress },
    setTimeout: {
      value: (ms: number) => {
        stream.setTimeout(ms, () => far.emit('timeout'))
        return far
      },
    },
  })
}

function send(stream: ServerHttp2Stream, onward: ClientRequest): void {
  let trailers: readonly string[] = []
  stream.on('trailers', (_headers, _flags, raw: unknown) => {
    trailers = raw as readonly string[]
  })
  if (stream.endAfterHeaders) {
    onward.end()
    return
  }
  // The head goes on at once, also where its body waits to be asked for.
  sendHead(onward)
  stream.on('end', () => {
    try {
      if (trailers.length > 0)
        onward.addTrailers([...pairs(trailers)].map(([name, value]): [string, string] => [name, value]))
      onward.end()
    } catch {
      onward.destroy()
    }
  })
  stream.pipe(onward, { end: false })
}

function giveBack(
  stream: ServerHttp2Stream,
  answer: IncomingMessage,
  reads: boolean,
  reset: () => void,
): void {
  if (stream.closed || stream.destroyed) return
  const fields = { ...answerFields(answer.rawHeaders), ':status': answer.statusCode ?? 502 }
  try {
    stream.respond(fields, { waitForTrailers: reads })
  } catch {
    reset()
    return
  }
  // None are an empty frame that ends the answer; a stream that is closed instead stays open while its body is unread.
  stream.on('wantTrailers', () => {
    try {
      stream.sendTrailers(answerFields(answer.rawTrailers))
    } catch {
      // What no trailer of HTTP/2 may be; nobody would catch it here.
      reset()
    }
  })
  // Cut short, a body must not look complete.
  answer.once('error', reset)
  answer.pipe(stream)
}
