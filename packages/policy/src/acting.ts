/**
 * acting: one party acts with the rights of another (RFC 8693 1.1). It gets what the policy gives to both of them, each
 * asked alone, so that acting for somebody never adds to anybody's rights, and what is proved of each holds for both.
 */
import { type Decision, type DecisionRequest, decide } from './decide.ts'
import type { Policy } from './policy.ts'

/** Whose token is beside that of the subject. */
export type Actor = Pick<DecisionRequest, 'issuer' | 'claims'>

type Allowed = Extract<Decision, { allowed: true }>

/** Decides for both. The reason of a refusal says whom it concerns. */
export function decideActing(policy: Policy, request: DecisionRequest, actor: Actor | undefined): Decision {
  const given = decide(policy, request)
  if (actor === undefined || !given.allowed) return given
  const { issuer, claims } = actor
  const also = decide(policy, { ...request, issuer, claims })
  return also.allowed ? givenToBoth(given, also) : { ...also, reason: `the actor: ${also.reason}` }
}

/** What two permissions for one target have in common. */
export function givenToBoth(one: Allowed, other: Allowed): Decision {
  const scopes = one.scopes.filter((scope) => other.scopes.includes(scope))
  if (scopes.length === 0 && one.scopes.length + other.scopes.length > 0)
    return { allowed: false, code: 'scope', reason: 'no scope is given to both the subject and the actor' }
  return {
    allowed: true,
    target: one.target,
    grants: [...new Set([...one.grants, ...other.grants])].toSorted(),
    scopes,
    seconds: Math.min(one.seconds, other.seconds),
  }
}
