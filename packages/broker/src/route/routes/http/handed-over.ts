import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/**
 * A connection whose request we sent ourselves, for Node's client to read the answer from: it starts with what came
 * already, and what the client writes, the same request once more, goes nowhere.
 */
export class HandedOver extends Duplex {
  readonly #socket: Socket

  constructor(socket: Socket, came: Buffer) {
    super()
    this.#socket = socket
    this.push(came)
    socket.on('data', (piece: Buffer) => {
      if (!this.push(piece)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (cause) => this.destroy(cause))
    socket.on('close', () => this.destroy())
    socket.on('timeout', () => this.emit('timeout'))
  }

  /** As `Socket.setTimeout`; Node's client calls it. */
  setTimeout(ms: number, ended?: () => void): this {
    if (ended !== undefined) this.once('timeout', ended)
    this.#socket.setTimeout(ms)
    return this
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(_piece: unknown, _encoding: BufferEncoding, done: () => void): void {
    done()
  }

  override _destroy(cause: Error | null, done: (cause: Error | null) => void): void {
    this.#socket.destroy()
    done(cause)
  }
}
