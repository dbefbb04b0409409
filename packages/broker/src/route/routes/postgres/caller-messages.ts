/** What a caller sends once its session is open: cut into messages, and looked at where a statement is in one. */
import { isUtf8 } from 'node:buffer'
import { Failure } from '../../../base/failure.ts'
import { textAt } from './bytes.ts'

/** A message that cannot go on before somebody looked at it. `from` and `to` are places in `Scanned.bytes`. */
export interface Looked {
  readonly kind:
    | 'Query'
    | 'Parse'
    | 'FunctionCall'
    | 'Close'
    // Only where results are looked at too.
    | 'Bind'
    | 'Describe'
    | 'Execute'
    | 'Sync'
    | 'CopyEnd'
  readonly from: number
  readonly to: number
}

export interface Scanned {
  /** Whole messages, and pieces of those that are carried as they come. */
  readonly bytes: Buffer
  readonly looked: readonly Looked[]
  /** Something in it makes the server do something: the lease has to be alive. */
  readonly asks: boolean
  /** Messages in it that the server answers with ReadyForQuery. */
  readonly rounds: number
}

const kinds: Readonly<Record<number, Looked['kind']>> = {
  81: 'Query',
  80: 'Parse',
  70: 'FunctionCall',
  67: 'Close',
}
const followed: typeof kinds = {
  ...kinds,
  ...{ 66: 'Bind', 68: 'Describe', 69: 'Execute', 83: 'Sync', 99: 'CopyEnd', 102: 'CopyEnd' },
}
const letters = (text: string) => new Set([...text].map((letter) => letter.charCodeAt(0)))
const asking = letters('QPBEF')
const rounding = letters('QSF')
const known = letters('QPBDECSHXdcfF')
const [copyData, bind] = [0x64, 0x42]
const none: readonly Looked[] = []

/** Lengths, in bytes, that messages may have. */
export interface Limits {
  readonly statement: number
  readonly bind: number
}
const smallMessage = 65_536

export class CallerMessages {
  readonly #limits: Limits
  readonly #kinds: typeof kinds
  /** Of a message of which not everything has come. */
  #kept: Buffer[] = []
  #keptSize = 0
  #wanted = 0
  /** What is still to come of one that is carried as it comes. */
  #passing = 0

  /** `follow`: messages that have no statement are looked at as well. */
  constructor(limits: Limits, follow: boolean) {
    this.#limits = limits
    this.#kinds = follow ? followed : kinds
  }

  /** True between two messages. */
  get atBoundary(): boolean {
    return this.#keptSize === 0 && this.#passing === 0
  }

  /** Throws `request_malformed` when what came is not the protocol; nothing after it can be understood. */
  scan(chunk: Buffer): Scanned | undefined {
    const bytes = this.#gathered(chunk)
    return bytes === undefined ? undefined : this.#cut(bytes)
  }

  /** A large message is put together once, not again with every piece. */
  #gathered(chunk: Buffer): Buffer | undefined {
    if (this.#keptSize === 0) return chunk
    this.#kept.push(chunk)
    this.#keptSize += chunk.length
    if (this.#keptSize < this.#wanted) return undefined
    const bytes = Buffer.concat(this.#kept)
    this.#kept = []
    this.#keptSize = 0
    return bytes
  }

  #cut(bytes: Buffer): Scanned {
    const { length } = bytes
    let looked: Looked[] | undefined
    let asks = false
    let rounds = 0
    let at = Math.min(this.#passing, length)
    this.#passing -= at
    while (at < length) {
      if (length - at < 5) {
        this.#keep(bytes, at, 5)
        break
      }
      const type = bytes[at] ?? 0
      const to = at + 1 + this.#sizeOf(type, bytes.readUInt32BE(at + 1))
      if (to > length && type !== copyData) {
        this.#keep(bytes, at, to - at)
        break
      }
      if (asking.has(type)) asks = true
      if (rounding.has(type)) rounds++
      const kind = this.#kinds[type]
      if (kind !== undefined) {
        looked ??= []
        looked.push({ kind, from: at, to })
      }
      if (to > length) this.#passing = to - length
      at = Math.min(to, length)
    }
    return { bytes: at === length ? bytes : bytes.subarray(0, at), looked: looked ?? none, asks, rounds }
  }

  #keep(bytes: Buffer, from: number, wanted: number): void {
    this.#kept = [bytes.subarray(from)]
    this.#keptSize = bytes.length - from
    this.#wanted = wanted
  }

  #sizeOf(type: number, size: number): number {
    if (!known.has(type)) throw unfit(`A message of an unknown type (${type}).`)
    if (size < 4) throw unfit('A message has a length that it may not have.')
    if (type !== copyData && size > this.#most(type)) throw unfit('A message is too long.')
    return size
  }

  #most(type: number): number {
    if (type === bind) return this.#limits.bind
    return kinds[type] === undefined ? smallMessage : this.#limits.statement
  }
}

/** The statements of a message. Throws `request_malformed`: a server and we must not read it differently. */
export function statementOf(
  bytes: Buffer,
  { kind, from, to }: Looked,
): { readonly name: string; readonly text: string } {
  const name = kind === 'Parse' ? textAt(bytes, from + 5, to) : { text: '', next: from + 5 }
  const { text, next } = textAt(bytes, name.next, to)
  if (!isUtf8(bytes.subarray(from + 5, next))) throw unfit('A statement is not UTF-8.')
  const rest = kind === 'Parse' ? 2 + 4 * (to - next < 2 ? 0 : bytes.readUInt16BE(next)) : 0
  if (next + rest !== to) throw unfit('A message has another length than what is in it.')
  return { name: name.text, text }
}

/** The prepared statement that a Close message ends, if it is about one. */
export function closedStatement(bytes: Buffer, { from, to }: Looked): string | undefined {
  if (to - from < 7) throw unfit('A message has another length than what is in it.')
  const { text, next } = textAt(bytes, from + 6, to)
  if (next !== to) throw unfit('A message has another length than what is in it.')
  return bytes[from + 5] === 0x53 ? text : undefined
}

function unfit(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
