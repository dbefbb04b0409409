/**
 * recorded: decisions as a log remembers them, and what a policy makes of them today. Whoever reads a log hands them
 * over as plain values; nothing here knows how they were kept.
 */
import { decideActing } from './acting.ts'
import { claimsAsked } from './claims-asked.ts'
import type { Decision } from './decide.ts'
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
  /** Who acted for whom the token names, where somebody did. */
  readonly act?: Pick<RecordedDecision, 'issuer' | 'claims' | 'dropped'>
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
export function decideAgain(policy: Policy, recorded: Omit<RecordedDecision, 'id' | 'outcome'>): Decision {
  const { issuer, target, claims, scopes, seconds, act } = recorded
  const request = {
    issuer,
    target,
    claims,
    ...(scopes === undefined ? {} : { scopes }),
    ...(seconds === undefined ? {} : { seconds }),
  }
  return decideActing(policy, request, act)
}

/** Does this policy read a claim that the record left out, or not whole? */
export function mayLack(
  policy: Policy,
  { issuer, claims, dropped, act }: Pick<RecordedDecision, 'issuer' | 'claims' | 'dropped' | 'act'>,
): boolean {
  if (act !== undefined && mayLack(policy, act)) return true
  if (dropped === undefined || Object.values(claims).some(isCut)) return true
  if (dropped.length === 0) return false
  const asked = claimsAsked(policy, issuer, claims)
  return dropped.some((claim) => asked.has(claim))
}

/** As the log marks a text that it shortened. A claim may look like it by itself: then the answer is only less sure. */
function isCut(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isCut)
  return typeof value === 'string' && /\[cut: [^\]]+\]$/.test(value)
}
