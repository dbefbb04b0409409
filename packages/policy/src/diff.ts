/**
 * diff: what a changed policy changes for those who ask. Not lines but tokens: who gets something that nobody like
 * them got before, who no longer does, who has it longer or shorter. Each change is shown with one token, asked of both
 * policies before it is shown. Refactoring that changes nothing for anybody is no change.
 */
import type { AccessChange, GuardrailChange, LifetimeChange, TargetChange } from './changes.ts'
import { accessChanges } from './diff-access.ts'
import { guardrailChanges, targetChanges } from './diff-rules.ts'
import type { Policy } from './policy.ts'

export interface PolicyDiff {
  readonly gained: readonly AccessChange[]
  readonly lost: readonly AccessChange[]
  readonly lifetimes: readonly LifetimeChange[]
  readonly targets: readonly TargetChange[]
  readonly guardrails: readonly GuardrailChange[]
  /** Something of tier production is gained, lasts longer, means something else, or may be. */
  readonly productionGained: boolean
  /** `false`: the work would have grown beyond its budget; there may be more. */
  readonly complete: boolean
}

/** Changes of a target that mean something by whom they let in and for how long, which is compared on its own. */
const seenInAccess: ReadonlySet<string> = new Set(['added', 'removed', 'max'])

/** What stands where there is no policy yet: nobody gets anything. To compare with, never to decide by. */
export const noPolicy: Policy = {
  issuers: new Map(),
  targets: new Map(),
  audiences: new Map(),
  grants: [],
  denies: [],
  guardrails: [],
  index: new Map(),
}

export function diffPolicies(before: Policy, after: Policy): PolicyDiff {
  const gained = accessChanges(before, after, 'gained')
  const lost = accessChanges(after, before, 'lost')
  const targets = targetChanges(before, after)
  const complete = gained.complete && lost.complete
  const production = [...gained.access, ...gained.longer].some(({ tier }) => tier === 'production')
  const redefined = targets.some(({ tier, change }) => tier === 'production' && !seenInAccess.has(change))
  return {
    gained: gained.access,
    lost: lost.access,
    lifetimes: [...gained.longer, ...lost.longer.map(turned)],
    targets,
    guardrails: guardrailChanges(before, after),
    productionGained: production || redefined || !complete,
    complete,
  }
}

/** What lasts longer in the old policy lasts shorter in the new one. */
function turned(change: LifetimeChange): LifetimeChange {
  return { ...change, before: change.after, after: change.before }
}

/** Nothing changes for anybody. */
export function isEmptyDiff(diff: PolicyDiff): boolean {
  const { gained, lost, lifetimes, targets, guardrails, complete } = diff
  return complete && [gained, lost, lifetimes, targets, guardrails].every((changes) => changes.length === 0)
}
