/** What the server sends during a session: carried as it comes, but for the errors that stand for our refusals. */
import { Failure } from '../../../base/failure.ts'

/** Which answers end a statement, or begin a COPY. */
const ends: ReadonlySet<number> = new Set([...'CIsEZG'].map((letter) => letter.charCodeAt(0)))
const [errorType, readyType, copyBoth, dataRow, copyData] = [0x45, 0x5a, 0x57, 0x44, 0x64]
/** An error is a few lines; what is longer is carried without a look. */
const longestError = 1_048_576
/** Of a message that is looked at. */
const longestRow = 67_108_864

interface ServerEvents {
  /** What takes the place of an ErrorResponse; `undefined`: it is the server's own. */
  readonly replaced: (error: Buffer) => Buffer | undefined
  /** Whether an ErrorResponse may be one of ours at the moment. */
  readonly expecting: () => boolean
  /** Where results are looked at: what the caller gets in the place of any message. */
  readonly shaped?: ((type: string, message: Buffer) => Buffer | undefined) | undefined
  /** Where statements are recorded: hears of answers that end one, whole where they are not longer than an error may be. */
  readonly ended?: ((type: string, message: Buffer) => void) | undefined
  /** `state`: `I`, `T` or `E` as a byte. */
  readonly ready: (state: number) => void
}

export class ServerMessages {
  readonly #events: ServerEvents
  #kept: Buffer | undefined
  #passing = 0
  #rows = 0

  constructor(events: ServerEvents) {
    this.#events = events
  }

  /** True between two messages. */
  get atBoundary(): boolean {
    return this.#kept === undefined && this.#passing === 0
  }

  /** Rows that began since this was asked before. */
  newRows(): number {
    const rows = this.#rows
    this.#rows = 0
    return rows
  }

  /** What goes to the caller now, in order. `undefined`: the server does not speak the protocol of a session. */
  scan(chunk: Buffer): readonly Buffer[] | undefined {
    const bytes = this.#kept === undefined ? chunk : Buffer.concat([this.#kept, chunk])
    this.#kept = undefined
    const out: Buffer[] = []
    let sent = 0
    let at = Math.min(this.#passing, bytes.length)
    this.#passing -= at
    while (at < bytes.length) {
      const left = bytes.length - at
      const type = bytes[at] ?? 0
      const size = left < 5 ? undefined : bytes.readUInt32BE(at + 1) + 1
      if (size === undefined || (size > left && this.#whole(type, size))) {
        this.#kept = bytes.subarray(at)
        break
      }
      if (size < 5 || type === copyBoth) return undefined
      if (type === readyType) this.#events.ready(bytes[at + 5] ?? 0)
      if (ends.has(type)) this.#events.ended?.(String.fromCharCode(type), bytes.subarray(at, at + size))
      if (size <= left && (type === errorType || this.#events.shaped !== undefined)) {
        const message = bytes.subarray(at, at + size)
        const instead = this.#instead(type, message)
        if (instead !== message) {
          if (at > sent) out.push(bytes.subarray(sent, at))
          if (instead !== undefined) out.push(instead)
          sent = at + size
        }
      }
      if (type === dataRow || type === copyData) this.#rows++
      if (size > left) this.#passing = size - left
      at += Math.min(size, left)
    }
    if (at > sent) out.push(sent === 0 && at === bytes.length ? bytes : bytes.subarray(sent, at))
    return out
  }

  #instead(type: number, message: Buffer): Buffer | undefined {
    const ours = type === errorType && this.#events.expecting() ? this.#events.replaced(message) : undefined
    const { shaped } = this.#events
    return shaped === undefined ? (ours ?? message) : shaped(String.fromCharCode(type), ours ?? message)
  }

  #whole(type: number, size: number): boolean {
    if (this.#events.shaped !== undefined) {
      if (size > longestRow)
        throw new Failure('request_too_large', { detail: 'A row is too long to be looked at.' })
      return true
    }
    if (this.#events.ended !== undefined && ends.has(type)) return size < longestError
    return type === readyType || (type === errorType && size < longestError && this.#events.expecting())
  }
}
