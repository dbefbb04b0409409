/** What statements of a session take of the job's budget, before the server gets them. */
import { asFailure, type Failure } from '../../../base/failure.ts'
import type { Meter } from '../../route.ts'
import { textAt } from './bytes.ts'
import type { Looked } from './caller-messages.ts'
import type { Cost } from './statements.ts'

/** Portals whose cost is remembered; one that is executed and unknown counts as one that writes. */
const mostPortals = 1_000
const unknown: Cost = { calls: 1, writes: 1 }

export class MeteredStatements {
  readonly #meter: Meter
  readonly #prepared: (name: string) => Cost | undefined
  readonly #portals = new Map<string, Cost>()

  /** `prepared`: what running a prepared statement once costs. */
  constructor(meter: Meter, prepared: (name: string) => Cost | undefined) {
    this.#meter = meter
    this.#prepared = prepared
  }

  /** Takes what a message costs; answers why the budget does not have it. `cost`: of the statements of a Query. */
  async refusal(bytes: Buffer, looked: Looked, cost?: Cost): Promise<Failure | undefined> {
    try {
      await this.#take(bytes, looked, cost)
      return undefined
    } catch (thrown) {
      const failure = asFailure(thrown)
      if (failure.code === 'budget_spent') return failure
      throw failure
    }
  }

  async #take(bytes: Buffer, { kind, from, to }: Looked, cost?: Cost): Promise<void> {
    if (kind === 'Bind') this.#bind(bytes, from, to)
    const costs =
      kind === 'Query'
        ? cost
        : kind === 'Execute'
          ? (this.#portals.get(textAt(bytes, from + 5, to).text) ?? unknown)
          : undefined
    if (costs !== undefined && costs.calls > 0) await this.#meter.take(costs)
  }

  #bind(bytes: Buffer, from: number, to: number): void {
    const portal = textAt(bytes, from + 5, to)
    const cost = this.#prepared(textAt(bytes, portal.next, to).text)
    this.#portals.delete(portal.text)
    if (cost !== undefined) this.#portals.set(portal.text, cost)
    for (const oldest of this.#portals.keys()) {
      if (this.#portals.size <= mostPortals) break
      this.#portals.delete(oldest)
    }
  }
}
