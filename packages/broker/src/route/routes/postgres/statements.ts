/** What a session's statements are held against, and which of them are prepared. */
import { Failure } from '../../../base/failure.ts'
import type { Admitted } from '../../route.ts'
import type { ResultRule } from './masks.ts'

/** What is wrong with a text of statements for who was let in; `undefined`: nothing. It must not throw. */
export interface StatementCheck {
  refusal(admitted: Admitted, text: string): Failure | undefined
  /**
   * Where rules speak of results: what holds for each statement of a text that was not refused, in order. What else gives rows
   * of a statement (EXECUTE, FETCH, a cursor's name in Execute) has to be refused or ruled by the check itself.
   */
  results?(admitted: Admitted, text: string): readonly ResultRule[]
  /** Another value when the same text may be answered in another way. */
  readonly terms: unknown
}

/** Bytes of prepared statements that a session may keep, so that they can be looked at again. */
const mostKept = 8_388_608

export class Statements {
  readonly #check: StatementCheck
  readonly #prepared = new Map<string, string>()
  #kept = 0
  #terms: unknown

  constructor(check: StatementCheck) {
    this.#check = check
    this.#terms = check.terms
  }

  /** Why a message may not pass. A Parse that passes is remembered under its name. */
  refusal(admitted: Admitted, kind: 'Query' | 'Parse', name: string, text: string): Failure | undefined {
    const found = this.#check.refusal(admitted, text)
    if (found !== undefined || kind === 'Query') return found
    this.closed(name)
    const cost = costOf(name, text)
    if (this.#kept + cost > mostKept)
      return new Failure('rate_limited', { detail: 'The session keeps too many prepared statements.' })
    this.#prepared.set(name, text)
    this.#kept += cost
    return undefined
  }

  /** Whether answers have to be followed. */
  get ruleResults(): boolean {
    return this.#check.results !== undefined
  }

  results(admitted: Admitted, text: string): readonly ResultRule[] {
    return this.#check.results?.(admitted, text) ?? []
  }

  closed(name: string): void {
    const text = this.#prepared.get(name)
    if (text === undefined) return
    this.#kept -= costOf(name, text)
    this.#prepared.delete(name)
  }

  /** Whether everything that is prepared would still be allowed; asked before something prepared runs. */
  stillAllowed(admitted: Admitted): boolean {
    if (this.#check.terms === this.#terms) return true
    this.#terms = this.#check.terms
    for (const text of this.#prepared.values())
      if (this.#check.refusal(admitted, text) !== undefined) return false
    return true
  }
}

/** An empty statement costs something too. */
function costOf(name: string, text: string): number {
  return name.length + text.length + 128
}
