/** What jobs may use of a target, taken from the store before anything is forwarded: exact, whichever replica is asked. */

import type { Budget, Used } from '../base/budget.ts'
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { Admitted, Meter } from './route.ts'

/** What the gate needs to count. */
export interface Budgets {
  /** By the policy in force; `undefined`: a job may use as much as it wants. */
  readonly of: (target: string) => Budget | undefined
  /** Resolves once it is durable. Throws `budget_spent`. */
  readonly take: (take: {
    readonly key: string
    readonly take: Partial<Used>
    readonly budget: Budget
    readonly at: number
    readonly until: number
  }) => Promise<void>
}

/** No job lives longer, so that none gets its budget a second time. */
const remembered = 6 * 86_400

/**
 * The meter of one caller at one target, while the policy has a budget for it. `refused`: records it; what is over is in the log
 * once for each request or stream that finds it so.
 */
export function meterOf(
  budgets: Budgets,
  tools: Pick<Tools, 'now'>,
  admitted: Pick<Admitted, 'leaseId' | 'job'>,
  target: string,
  refused: (thrown: unknown) => Promise<Failure>,
): Meter | undefined {
  const budget = budgets.of(target)
  if (budget === undefined) return undefined
  const key = JSON.stringify([target, ...jobOf(admitted)])
  return {
    flows: budget.rows !== undefined || budget.bytes !== undefined || budget.minutes !== undefined,
    async take(take) {
      const at = Math.floor(tools.now() / 1000)
      // By the policy of this moment: it may have changed while something is carried.
      const now = budgets.of(target) ?? {}
      await budgets.take({ key, take, budget: now, at, until: at + remembered }).catch(async (thrown) => {
        throw await refused(thrown)
      })
    },
  }
}

/** As the store knows a job: by its id, or its run where it has none. A caller without either has its lease. */
function jobOf({ job, leaseId }: Pick<Admitted, 'leaseId' | 'job'>): readonly string[] {
  if (job?.id !== undefined) return [job.issuer, 'id', job.id]
  if (job?.run !== undefined) return [job.issuer, 'run', job.run]
  return ['lease', leaseId]
}

/** The refusal for a part of a budget that has nothing left. */
export function spent(part: string, cause: unknown): Failure {
  const detail = `The job has used up the ${part} that the policy lets it use here.`
  return new Failure('budget_spent', { reason: `the ${part} of the budget are spent`, detail, cause })
}
