/**
 * recorded: decisions as a log remembers them, and what a policy makes of them today. Whoever reads a log hands them
 * over as plain values; nothing here knows how they were kept.
 */
import { type Decision, decide } from './decide.ts'
import type { Policy } from './policy.ts'

/** One decision that happened. */
export interface RecordedDecision {
  /** The entry's id, by which people find it. */
  readonly id: string
  readonly issuer: string
  readonly target: string
  readonly claims: Readonly<Record<string, unknown>>
  /** Claims that the token had and the record left out; `undefined` = some, nobody knows which. */
  readonly dropped: readonly string[] | undefined
  readonly scopes?: readonly string[]
  readonly seconds?: number
  readonly outcome:
    | {
        readonly allowed: true
        readonly grants: readonly string[]
        readonly scopes: readonly string[]
        readonly seconds: number
      }
    | { readonly allowed: false; readonly code: string }
}

/** What the policy says about the same request. */
export function decideAgain(policy: Policy, recorded: RecordedDecision): Decision {
  const { issuer, target, claims, scopes, seconds } = recorded
  return decide(policy, {
    issuer,
    target,
    claims,
    ...(scopes === undefined ? {} : { scopes }),
    ...(seconds === undefined ? {} : { seconds }),
  })
}
