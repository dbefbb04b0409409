import type { Budget } from '../base/budget.ts'
import type { LeaseState } from '../domain.ts'
import type { LeaseRow, Step } from './steps.ts'
import type { KeyRecord } from './store.ts'

type Value = string | number | null

/**
 * A group of commits on its way to the writer's thread: one flat list and one run of bytes, which costs far less to
 * hand over than objects do (and cloning one small `Buffer` would copy the whole pool that it lies in).
 */
export interface Tape {
  readonly values: readonly Value[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Steps travel as their place in this list: a text that crosses threads is a new one, and slow to compare. */
const ops = [
  ...(['spend', 'create', 'move', 'end', 'key', 'retire', 'append', 'checkpoint', 'switch'] as const),
  ...(['put', 'rewrap', 'use', 'remove', 'take'] as const),
]

/** Writes a group down. */
export function writeTape(group: readonly (readonly Step[])[]): Tape {
  const values: Value[] = [group.length]
  const blobs: Uint8Array[] = []
  const blob = (bytes: Uint8Array) => {
    blobs.push(bytes)
    return bytes.length
  }
  for (const steps of group) {
    values.push(steps.length)
    for (const step of steps) values.push(ops.indexOf(step.op), ...fields(step, blob))
  }
  const bytes = new Uint8Array(blobs.reduce((sum, each) => sum + each.length, 0))
  let at = 0
  for (const each of blobs) {
    bytes.set(each, at)
    at += each.length
  }
  return { values, bytes }
}

function fields(step: Step, blob: (bytes: Uint8Array) => number): readonly Value[] {
  switch (step.op) {
    case 'spend':
      return [step.name, step.until]
    case 'create': {
      const { id, state, target, job, run, expiresAt, endedAt, endedBy, body, handle } = step.row
      const row = [id, state, target, job, run, expiresAt, endedAt, endedBy, body, blob(handle)]
      // Texts for the store hold no NUL.
      return [...row, step.jobLimit, step.jobUntil, step.switches.join('\0')]
    }
    case 'move': {
      const handle = step.handle === null ? null : blob(step.handle)
      return [step.id, step.from.join(), step.to, step.endedAt, step.endedBy, handle]
    }
    case 'end':
      return [step.job, step.until]
    case 'switch':
      return [step.name, step.off ? 1 : 0]
    case 'key': {
      const { sealed, ...rest } = step.key
      return [JSON.stringify(rest), blob(sealed)]
    }
    case 'retire':
      return [step.kid, step.signsUntil, step.publishedUntil]
    case 'append':
      return [blob(step.entry)]
    case 'checkpoint':
      return [step.size, step.note]
    case 'put':
      return [step.name, blob(step.envelope), step.wrappedBy, step.replacedAt]
    case 'rewrap':
      return [step.name, blob(step.was), blob(step.envelope), step.wrappedBy]
    case 'use':
      return [step.name, step.at, step.times]
    case 'remove':
      return [step.name]
    case 'take': {
      const { calls, writes, rows, bytes } = step.take
      return [step.key, calls, writes, rows, bytes, JSON.stringify(step.budget), step.at, step.until]
    }
  }
}

/** Reads a group back. The tape comes from `writeTape` of this process; anything else throws. */
export function readTape(tape: Tape): readonly (readonly Step[])[] {
  const reader = new TapeReader(tape)
  return Array.from({ length: reader.number() }, () =>
    Array.from({ length: reader.number() }, () => readStep(reader)),
  )
}

function readStep(tape: TapeReader): Step {
  const op = ops[tape.number()]
  switch (op) {
    case 'spend':
      return { op, name: tape.text(), until: tape.number() }
    case 'create':
      return {
        op,
        row: readRow(tape),
        ...{ jobLimit: tape.number(), jobUntil: tape.number() },
        switches: tape.text().split('\0'),
      }
    case 'move': {
      const [id, from, to] = [tape.text(), tape.text().split(','), tape.text()]
      const ended = { endedAt: tape.numberOrNull(), endedBy: tape.textOrNull() }
      return { op, id, from: from as LeaseState[], to: to as LeaseState, ...ended, handle: tape.blobOrNull() }
    }
    case 'end':
      return { op, job: tape.text(), until: tape.number() }
    case 'switch':
      return { op, name: tape.text(), off: tape.number() === 1 }
    case 'key': {
      const rest = JSON.parse(tape.text()) as Omit<KeyRecord, 'sealed'>
      return { op, key: { ...rest, sealed: tape.blob() } }
    }
    case 'retire':
      return { op, kid: tape.text(), signsUntil: tape.number(), publishedUntil: tape.number() }
    case 'append':
      return { op, entry: tape.blob() }
    case 'checkpoint':
      return { op, size: tape.number(), note: tape.text() }
    case 'put': {
      const [name, envelope, wrappedBy] = [tape.text(), tape.blob(), tape.text()]
      return { op, name, envelope, wrappedBy, replacedAt: tape.number() }
    }
    case 'rewrap': {
      const [name, was, envelope] = [tape.text(), tape.blob(), tape.blob()]
      return { op, name, was, envelope, wrappedBy: tape.text() }
    }
    case 'use':
      return { op, name: tape.text(), at: tape.number(), times: tape.number() }
    case 'remove':
      return { op, name: tape.text() }
    case 'take': {
      const key = tape.text()
      const take = { calls: tape.number(), writes: tape.number(), rows: tape.number(), bytes: tape.number() }
      const budget = JSON.parse(tape.text()) as Budget
      return { op, key, take, budget, at: tape.number(), until: tape.number() }
    }
    default:
      throw new TypeError('the tape does not fit')
  }
}

function readRow(tape: TapeReader): LeaseRow {
  return {
    id: tape.text(),
    state: tape.text() as LeaseState,
    target: tape.text(),
    job: tape.textOrNull(),
    run: tape.textOrNull(),
    expiresAt: tape.number(),
    endedAt: tape.numberOrNull(),
    endedBy: tape.textOrNull(),
    body: tape.text(),
    handle: tape.blob(),
  }
}

class TapeReader {
  readonly #tape: Tape
  #next = 0
  #offset = 0

  constructor(tape: Tape) {
    this.#tape = tape
  }

  text(): string {
    const value = this.#tape.values[this.#next++]
    if (typeof value !== 'string') throw new TypeError('the tape does not fit')
    return value
  }

  number(): number {
    const value = this.#tape.values[this.#next++]
    if (typeof value !== 'number') throw new TypeError('the tape does not fit')
    return value
  }

  textOrNull(): string | null {
    return this.#tape.values[this.#next] === null ? this.#null() : this.text()
  }

  numberOrNull(): number | null {
    return this.#tape.values[this.#next] === null ? this.#null() : this.number()
  }

  blob(): Uint8Array {
    const from = this.#offset
    this.#offset += this.number()
    return this.#tape.bytes.subarray(from, this.#offset)
  }

  blobOrNull(): Uint8Array | null {
    return this.#tape.values[this.#next] === null ? this.#null() : this.blob()
  }

  #null(): null {
    this.#next++
    return null
  }
}
