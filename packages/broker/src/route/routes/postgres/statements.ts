/** What a session's statements are held against, and which of them are prepared. */
import { Failure } from '../../../base/failure.ts'
import type { ResultRule } from './masks.ts'

/** What rules say of the texts of one session. It must not throw. */
export interface StatementCheck {
  /** What is wrong with a text of statements; otherwise what holds for the rows of each of them, in order. */
  look(text: string): Looked
  /** Another value when the same text may be answered in another way. */
  terms(): unknown
  /** What statements take of a budget, the same whatever the policy says of them. */
  cost(text: string): Cost
  /** Whether something limits results, so that answers have to be followed. */
  follows(): boolean
}

/** What running a text once takes of a budget. */
export interface Cost {
  readonly calls: number
  readonly writes: number
}

export type Looked =
  | { readonly refusal: Failure }
  /** `keeps`: it prepares or declares what a later statement runs by its name. */
  | { readonly refusal?: never; readonly results: readonly ResultRule[]; readonly keeps: boolean }

/** Bytes of prepared statements that a session may keep, so that they can be looked at again. */
const mostKept = 8_388_608

export class Statements {
  readonly #check: StatementCheck
  readonly #prepared = new Map<string, string>()
  /** Texts that prepared or declared something by SQL: it may be there until the session ends. */
  readonly #keeping = new Set<string>()
  #kept = 0
  #terms: unknown
  /** Whether answers have to be followed. */
  readonly ruleResults: boolean

  constructor(check: StatementCheck) {
    this.#check = check
    this.#terms = check.terms()
    this.ruleResults = check.follows()
  }

  /** Why a message may not pass, or what holds for its rows. A Parse that passes is remembered under its name. */
  look(kind: 'Query' | 'Parse', name: string, text: string): Looked {
    const found = this.#check.look(text)
    if (found.refusal !== undefined) return found
    if (kind === 'Parse') this.closed(name)
    const keeps = found.keeps && !this.#keeping.has(text)
    const cost = (kind === 'Parse' ? costOf(name, text) : 0) + (keeps ? costOf('', text) : 0)
    if (this.#kept + cost > mostKept)
      return {
        refusal: new Failure('rate_limited', { detail: 'The session keeps too many prepared statements.' }),
      }
    this.#kept += cost
    if (kind === 'Parse') this.#prepared.set(name, text)
    if (keeps) this.#keeping.add(text)
    return found
  }

  cost(text: string): Cost {
    return this.#check.cost(text)
  }

  /** The text that is prepared under a name. */
  textOf(name: string): string | undefined {
    return this.#prepared.get(name)
  }

  closed(name: string): void {
    const text = this.#prepared.get(name)
    if (text === undefined) return
    this.#kept -= costOf(name, text)
    this.#prepared.delete(name)
  }

  /** Whether everything that is prepared would still be allowed, and shown as it was; asked before something runs. */
  stillAllowed(): boolean {
    const terms = this.#check.terms()
    if (terms === this.#terms) return true
    this.#terms = terms
    // Rows that are under way were promised by other rules.
    if (this.ruleResults || this.#check.follows()) return false
    return [...this.#prepared.values(), ...this.#keeping].every(
      (text) => this.#check.look(text).refusal === undefined,
    )
  }
}

/** An empty statement costs something too. */
function costOf(name: string, text: string): number {
  return name.length + text.length + 128
}
