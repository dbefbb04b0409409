/** A connection to the upstream on which we write and read ourselves, for requests without a body. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type PlainHead, readPlainHead } from './answer-head.ts'
import { inBurst } from './burst.ts'
import { HandedOver } from './handed-over.ts'

/** Who waits for an answer. Each call but `more` comes at most once; after `isWhole`, `handOver` or `broke` none comes. */
export interface Receiver {
  /** The head, and what came of the body with it. */
  answer(head: PlainHead, piece: Buffer, isWhole: boolean): void
  more(piece: Buffer, isWhole: boolean): void
  /** The answer is not plain: Node's client reads it from here. */
  handOver(connection: Duplex): void
  /** `answered`: after `answer`; the body is cut short. */
  broke(cause: unknown, answered: boolean): void
}

/** Nothing moved for as long as the route allows. */
export class Idle extends Error {}

/** Nobody took the connection in that time: nothing was sent. */
export class Undialled extends Idle {}

/** As much as Node's own parser takes. */
const longestHead = 16_384
const nothing = Buffer.alloc(0)

/** What became of a connection: another request may use it, it is closed, somebody else reads it. */
export type After = 'free' | 'gone' | 'handed over'

/** One connection. It carries one request at a time. */
export class Wire {
  /** It has carried a request before: the upstream may be closing it at this moment (RFC 9112 9.3.1). */
  isUsed = false
  readonly #socket: Socket
  readonly #over: (what: After) => void
  #receiver: Receiver | undefined
  #isHead = false
  /** A request waits to be written at the end of the turn. */
  #isDue = false
  #held: Buffer = nothing
  #left = 0
  #answered = false
  #keeps = false

  constructor(socket: Socket, idleMs: number, over: (what: After) => void) {
    this.#socket = socket
    this.#over = over
    let fault: unknown = new Error('the upstream closed the connection')
    socket.setTimeout(idleMs)
    socket.on('timeout', () => {
      if (socket.connecting) fault = new Undialled('nobody took the connection')
      // The time that it was idle ends in the turn in which a request takes it: that one is not late.
      else if (!this.#isDue) fault = new Idle('nothing moved')
      socket.destroy()
    })
    socket.on('data', (piece: Buffer) => this.#read(piece))
    socket.on('error', (cause) => {
      fault = cause
    })
    // Half of a connection is of no use to anybody here.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      over('gone')
      this.#finish()?.broke(fault, this.#answered)
    })
  }

  /** Sends a whole head with its empty line. `isHead`: the answer has no body, whatever it announces. */
  send(head: string, isHead: boolean, receiver: Receiver): void {
    this.#receiver = receiver
    this.#isHead = isHead
    this.#answered = false
    this.#isDue = true
    inBurst(() => {
      this.#isDue = false
      this.#socket.write(head, 'latin1')
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Nobody waits any longer. */
  destroy(): void {
    this.#receiver = undefined
    this.#socket.destroy()
  }

  #read(piece: Buffer): void {
    if (this.#receiver === undefined) {
      // Nothing was asked: whatever this is, it is no answer (CWE-444).
      this.#socket.destroy()
    } else if (this.#answered) this.#body(this.#receiver, piece)
    else this.#head(this.#receiver, piece)
  }

  #head(receiver: Receiver, piece: Buffer): void {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    this.#held = nothing
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1 && bytes.length <= longestHead) {
      this.#held = bytes
      return
    }
    const head = end === -1 || end > longestHead ? undefined : readPlainHead(bytes.toString('latin1', 0, end))
    if (head === undefined) {
      this.#giveAway(bytes)
      return
    }
    this.#answered = true
    this.#keeps = head.keeps
    this.#left = this.#isHead ? 0 : head.length
    const body = bytes.subarray(end + 4)
    this.#count(body, (within, isWhole) => receiver.answer(head, within, isWhole))
  }

  #body(receiver: Receiver, piece: Buffer): void {
    this.#count(piece, (within, isWhole) => receiver.more(within, isWhole))
  }

  /** What belongs to the answer is passed on; a connection on which more came is used no more. */
  #count(piece: Buffer, pass: (within: Buffer, isWhole: boolean) => void): void {
    const over = piece.length - this.#left
    if (over < 0) {
      this.#left -= piece.length
      pass(piece, false)
      return
    }
    const within = over === 0 ? piece : piece.subarray(0, this.#left)
    this.#finish()
    if (this.#keeps && over === 0) this.#release()
    else this.#socket.destroy()
    pass(within, true)
  }

  #release(): void {
    this.isUsed = true
    this.#over('free')
  }

  #giveAway(came: Buffer): void {
    const receiver = this.#finish()
    this.#over('handed over')
    this.#socket.removeAllListeners()
    receiver?.handOver(new HandedOver(this.#socket, came))
  }

  #finish(): Receiver | undefined {
    const receiver = this.#receiver
    this.#receiver = undefined
    return receiver
  }
}
