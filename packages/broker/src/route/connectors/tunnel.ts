import { type ClientHttp2Stream, constants } from 'node:http2'
import { Failure } from '../../base/failure.ts'
import { SocketLike } from '../reach.ts'

type Done = (fault?: Error | null) => void

/** What a connector's answers other than 200 mean (RFC 9113 8.5). */
const refusals: Readonly<Record<number, string>> = {
  403: 'the connector does not serve this place',
  502: 'the connector cannot reach this place',
  504: 'the connector got no answer from this place',
}

/**
 * One stream of a connector's connection with the face of a socket: `connect` when the far end is there, back-pressure
 * both ways, half-closing as a socket does it. What the connector refuses breaks it with `provider_unavailable`.
 */
export class Tunnel extends SocketLike {
  readonly #stream: ClientHttp2Stream
  #connecting = true

  constructor(stream: ClientHttp2Stream) {
    super({ allowHalfOpen: false })
    this.#stream = stream
    // Its end is told by `close` too, to those who no longer listen.
    this.on('error', () => {})
    stream.on('error', (cause) => this.destroy(broken('the connector broke off', cause)))
    stream.once('close', () => {
      if (!this.readableEnded || !this.writableFinished) this.#cut()
    })
    stream.on('timeout', () => this.emit('timeout'))
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause()
    })
    stream.once('end', () => this.push(null))
    stream.pause()
  }

  /** As of a socket: nothing is written before the far end is there. */
  get connecting(): boolean {
    return this.#connecting
  }

  override _construct(built: Done): void {
    const stream = this.#stream
    const gone = () => built(broken('the connector went away'))
    stream.once('close', gone)
    stream.once('response', ({ ':status': status }) => {
      stream.off('close', gone)
      this.#connecting = false
      if (status !== 200) {
        built(broken(refusals[status ?? 0] ?? `the connector answered ${status}`))
        return
      }
      built()
      this.emit('connect')
    })
  }

  override _read(): void {
    this.#stream.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#stream.write(chunk, done)
  }

  override _final(done: Done): void {
    this.#stream.end(() => done())
  }

  override _destroy(fault: Error | null, done: Done): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    done(fault)
  }

  override setTimeout(ms: number): this {
    this.#stream.setTimeout(ms)
    return this
  }

  /** After what was read already was handed on: a stream that closed well may still have data here. */
  #cut(): void {
    const ended = this.#stream.readableEnded && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR
    if (!ended) this.destroy(broken('the connector broke off'))
  }
}

function broken(what: string, cause?: unknown): Failure {
  return new Failure('provider_unavailable', {
    reason: what,
    detail: 'The upstream is not available through its connector.',
    cause,
  })
}
