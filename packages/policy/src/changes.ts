/** changes: what a changed policy can change, one sort each. */
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
  /** Where that rule stands, in the policy that has it: what is lost by a grant was given by the old one. */
  readonly place: Place
  readonly placeIn: 'before' | 'after'
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
