/**
 * diff: what a changed policy changes for those who ask. Not lines but tokens: who gets something that nobody like
 * them got before, who no longer does, who has it longer or shorter. Each change is shown with one token, asked of both
 * policies before it is shown. Refactoring that changes nothing for anybody is no change.
 */
import { accessChanges } from './diff-access.ts'
import { guardrailChanges, targetChanges } from './diff-rules.ts'
import type { Policy } from './policy.ts'
import type { Place } from './problem.ts'

/** Access that some tokens gain or lose. */
export interface AccessChange {
  readonly issuer: string
  readonly target: string
  readonly tier: string
  /** Scopes that are gained or lost; empty for a target without scopes. */
  readonly scopes: readonly string[]
  /** The rule that makes it so: ``grant `web` ``, ``deny rule `x` is gone``. */
  readonly cause: string
  readonly place: Place
  /** What the tokens have in common, in the policy's words. */
  readonly conditions: readonly string[]
  /** One of the tokens: what of it matters, `null` = missing. */
  readonly sample: Readonly<Record<string, string | null>>
}

/** Tokens that had access before and have it still, for another time. */
export interface LifetimeChange extends AccessChange {
  readonly before: number
  readonly after: number
}

export interface TargetChange {
  readonly target: string
  readonly tier: string
  /** `added`, `removed`, or what of it changed: `tier`, `access`, `max`, `settings`. */
  readonly change: string
  readonly before: string
  readonly after: string
}

export interface GuardrailChange {
  readonly guardrail: string
  readonly change: 'added' | 'removed' | 'changed'
}

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

export function diffPolicies(before: Policy, after: Policy): PolicyDiff {
  const gained = accessChanges(before, after, 'gained')
  const lost = accessChanges(after, before, 'lost')
  const targets = targetChanges(before, after)
  const complete = gained.complete && lost.complete
  const production = [...gained.access, ...gained.longer].some(({ tier }) => tier === 'production')
  const redefined = targets.some(
    ({ tier, change }) => tier === 'production' && change !== 'added' && change !== 'removed',
  )
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
