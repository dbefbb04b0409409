import { type ClientHttp2Stream, constants } from 'node:http2'
import { SocketLike } from '../../base/reach.ts'

/** Why there is no upstream behind a connector, for the broker's own log. */
class Broken extends Error {
  override readonly name = 'Broken'
}

type Done = (fault?: Error | null) => void

/** What a connector's answers other than 200 mean (RFC 9113 8.5). */
const refusals: Readonly<Record<number, string>> = {
  403: 'the connector does not serve this place',
  502: 'the connector cannot reach this place',
  504: 'the connector got no answer from this place',
}

/**
 * One stream of a connector's connection with the face of a socket: `connect` when the far end is there, back-pressure
 * both ways, half-closing as a socket does it. What the connector refuses breaks it.
 */
export class Tunnel extends SocketLike {
  readonly #stream: ClientHttp2Stream
  #connecting = true
  #waiting: (() => void) | undefined

  constructor(stream: ClientHttp2Stream) {
    super({ allowHalfOpen: false })
    this.#stream = stream
    // Its end is told by `close` too, to those who no longer listen.
    this.on('error', () => {})
    stream.on('error', (cause) => this.destroy(new Broken('the connector broke off', { cause })))
    stream.once('close', () => this.#over())
    stream.once('response', ({ ':status': status }) => this.#answered(status ?? 0))
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

  override _read(): void {
    this.#stream.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#whenThere(() => this.#stream.write(chunk, done))
  }

  override _final(done: Done): void {
    this.#whenThere(() => this.#stream.end(() => done()))
  }

  override _destroy(fault: Error | null, done: Done): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    done(fault)
  }

  override setTimeout(ms: number): this {
    this.#stream.setTimeout(ms)
    return this
  }

  /** RFC 9113 8.5: nothing is sent before the answer. The stream asks for one thing after the other. */
  #whenThere(go: () => void): void {
    if (this.#connecting) this.#waiting = go
    else go()
  }

  #answered(status: number): void {
    if (status !== 200) {
      this.destroy(new Broken(refusals[status] ?? `the connector answered ${status}`))
      return
    }
    this.#connecting = false
    this.emit('connect')
    this.#waiting?.()
  }

  /** What was read already is handed on: a stream that closed well may still have data here. */
  #over(): void {
    const well = !this.#connecting && this.#stream.readableEnded
    if (well && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR) return
    this.destroy(new Broken('the connector broke off'))
  }
}
