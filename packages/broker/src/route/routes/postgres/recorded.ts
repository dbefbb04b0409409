/** Statements of a session that are recorded: which answer of the server belongs to which of them. */
import type { Carried, Outcome } from '../../../base/carried.ts'
import { Failure } from '../../../base/failure.ts'
import type { Answered } from '../../route.ts'
import { textAt } from './bytes.ts'
import type { Looked } from './caller-messages.ts'
import { normalised } from './normalised.ts'

type Begun = Promise<Answered> | undefined

interface Sent {
  readonly kind: 'Query' | 'Execute' | 'Sync' | 'CopyEnd'
  readonly begun?: Begun
  outcome?: Outcome
}

/** Statements without an answer beyond which a caller waits, and beyond which it sent far too many at once. */
const open = { most: 2_000, far: 20_000 } as const

/** Portals whose statement is remembered; an older one that is executed is recorded without its text. */
const mostPortals = 1_000
const unknown = '[a portal that no Bind of this session named]'

export class RecordedStatements {
  readonly #begin: (carried: () => Carried) => Begun
  readonly #prepared: (name: string) => string | undefined
  readonly #portals = new Map<string, string | undefined>()
  #sent: Sent[] = []
  #waiting: Promise<Answered>[] = []
  #hasRoom = () => {}
  /** The server takes a COPY, and the caller has not said yet that it is at its end. */
  #copying = false
  /** The server passes over what the caller sends, until Sync. */
  #skipping = false

  /** `begin`: a record, as `Gate.record`. `prepared`: the text of a statement that was prepared under a name. */
  constructor(begin: (carried: () => Carried) => Begun, prepared: (name: string) => string | undefined) {
    this.#begin = begin
    this.#prepared = prepared
  }

  /** Resolves when more may be sent: what has no answer yet is remembered here. */
  async room(): Promise<void> {
    if (this.#sent.length <= open.most) return
    await new Promise<void>((resolve) => {
      this.#hasRoom = resolve
    })
  }

  /** Resolves when everything that was sent may go on; rejects when something of it may not. */
  async ready(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    await Promise.all(waiting)
  }

  /** A message that goes to the server once it is `ready`. `text`: of a Query. */
  sent(bytes: Buffer, { kind, from, to }: Looked, text?: string): void {
    if (this.#copying && (kind === 'Sync' || kind === 'CopyEnd')) this.#copying = kind === 'Sync'
    else if (this.#skipping && kind !== 'Sync') return
    else if (kind === 'Query') this.#push('Query', text)
    else if (kind === 'Execute') this.#push('Execute', this.#portalAt(textAt(bytes, from + 5, to).text))
    else if (kind === 'Bind') this.#bind(bytes, from, to)
    else if (kind === 'Sync' || kind === 'CopyEnd') {
      this.#sent.push({ kind })
      this.#skipping = false
    }
  }

  /** A word of ours, with which the server can only fail, goes to it in the place of a message. */
  replaced(kind: 'Query' | 'Parse'): void {
    if (kind === 'Parse') this.#skipping = true
    else if (!this.#skipping) this.#sent.push({ kind })
  }

  /** A message of the server. */
  next(type: string, message: Buffer): void {
    this.#answer(type, message)
    if (this.#sent.length <= open.most) this.#hasRoom()
  }

  #answer(type: string, message: Buffer): void {
    if (type === 'G') {
      this.#copyIn()
      return
    }
    while (this.#sent[0]?.kind === 'CopyEnd') this.#sent.shift()
    const [head] = this.#sent
    if (type === 'Z') this.#roundOver()
    else if (type === 'E') this.#failed(head, message)
    else if (head?.kind === 'Query') head.outcome = added(head.outcome, rowsOf(type, message))
    else if (head?.kind === 'Execute') this.#end({ ...head, outcome: { ...rowsOf(type, message) } })
  }

  /** The session is at its end: what was not answered never will be. */
  over(): void {
    for (const each of this.#sent) finish(each)
    this.#sent = []
    this.#hasRoom()
  }

  #push(kind: 'Query' | 'Execute', text = unknown): void {
    if (this.#sent.length >= open.far)
      throw new Failure('rate_limited', { detail: 'The session sends too many statements at once.' })
    const begun = this.#begin(() => ({ kind: 'statement', text: normalised(text) }))
    if (begun !== undefined) this.#waiting.push(begun)
    this.#sent.push({ kind, begun })
  }

  #portalAt(name: string): string | undefined {
    return this.#portals.get(name)
  }

  #bind(bytes: Buffer, from: number, to: number): void {
    const portal = textAt(bytes, from + 5, to)
    const text = this.#prepared(textAt(bytes, portal.next, to).text)
    this.#portals.delete(portal.text)
    this.#portals.set(portal.text, text)
    for (const oldest of this.#portals.keys()) {
      if (this.#portals.size <= mostPortals) break
      this.#portals.delete(oldest)
    }
  }

  #end(head: Sent): void {
    this.#sent.shift()
    finish(head)
  }

  #roundOver(): void {
    for (let each = this.#sent.shift(); each !== undefined; each = this.#sent.shift()) {
      finish(each)
      if (each.kind === 'Query' || each.kind === 'Sync') return
    }
  }

  /** After an error in the extended protocol the server skips everything until Sync. */
  #failed(head: Sent | undefined, message: Buffer): void {
    this.#copying = false
    const error = sqlstateOf(message)
    if (head?.kind === 'Query') head.outcome = { ...head.outcome, ...error }
    else this.#skip(head?.kind === 'Execute' ? { ...head, outcome: error } : undefined)
  }

  #skip(failed: Sent | undefined): void {
    if (failed !== undefined) this.#end(failed)
    const sync = this.#sent.findIndex(({ kind }) => kind === 'Sync')
    for (const each of this.#sent.splice(0, sync === -1 ? this.#sent.length : sync)) finish(each)
    this.#skipping ||= sync === -1
  }

  /** While it takes a COPY, the server does not answer a Sync that comes before its end. */
  #copyIn(): void {
    const end = this.#sent.findIndex(({ kind }) => kind === 'CopyEnd')
    this.#copying = end === -1
    const isBefore = (at: number) => this.#copying || at <= end
    this.#sent = this.#sent.filter(
      ({ kind }, at) => !(isBefore(at) && (kind === 'Sync' || kind === 'CopyEnd')),
    )
  }
}

/** Nobody waits for the entry of an answer; what could not begin was refused then. */
function finish({ begun, outcome }: Sent): void {
  begun?.then(
    (answered) => answered(outcome ?? { cut: true }),
    () => {},
  )
}

/** The last number of `SELECT 5`, `INSERT 0 3`, `COPY 7`. */
function rowsOf(type: string, message: Buffer): Outcome {
  const found = type === 'C' ? / ([0-9]{1,15})\0?$/.exec(message.toString('latin1', 5)) : null
  return found === null ? {} : { rows: Number(found[1]) }
}

function added(before: Outcome = {}, { rows }: Outcome): Outcome {
  return rows === undefined ? before : { ...before, rows: (before.rows ?? 0) + rows }
}

/** Field `C` of ErrorResponse. */
function sqlstateOf(message: Buffer): Outcome {
  const [, state = 'unknown'] = /\0C([0-9A-Z]{5})\0/.exec(message.toString('latin1', 5, 512)) ?? []
  return { error: state }
}
