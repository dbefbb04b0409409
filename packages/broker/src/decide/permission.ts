import { givenToBoth } from '@mayfly/policy/acting'
import { type Decision, type DecisionRequest, decide } from '@mayfly/policy/decide'
import { type Explanation, explain } from '@mayfly/policy/explain'
import { targetByAudience } from '@mayfly/policy/policy'
import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import type { Principal, Terms } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'
import { termsOf } from './terms.ts'

type Allowed = Extract<Decision, { allowed: true }>

/** What is asked for. */
export interface Wish {
  readonly target?: string
  readonly resource?: string
  readonly scopes?: readonly string[]
  readonly seconds?: number
}

/** What the policy said yes to. */
export interface Permission {
  readonly target: string
  readonly kind: string
  readonly settings: Json
  readonly grants: readonly string[]
  readonly scopes: readonly string[]
  readonly seconds: number
  readonly policy: string
  /** The target's kind and settings, and the policy, as leases keep them. */
  readonly terms: Terms
}

/**
 * Decides. Throws `target_refused` or `scope_refused`: the reason is for the log, the explanation is what the
 * principal itself may know (conditions that concern its own repository).
 */
export function permit(
  inForce: PolicyInForce,
  principal: Principal,
  wish: Wish,
  acting?: Principal,
): Permission {
  const given = allowed(inForce, principal, wish)
  const both = acting === undefined ? given : givenToBoth(given, ofActor(inForce, acting, wish))
  if (!both.allowed) throw new Failure('scope_refused', { reason: both.reason, decision: both.code })
  return {
    target: both.target.name,
    kind: both.target.kind,
    settings: both.target.settings as Json,
    grants: both.grants,
    scopes: both.scopes,
    seconds: both.seconds,
    policy: inForce.digest,
    terms: termsOf(inForce, both.target),
  }
}

/** Whoever asks has shown both tokens, and may know of both. */
function ofActor(inForce: PolicyInForce, acting: Principal, wish: Wish): Allowed {
  try {
    return allowed(inForce, acting, wish)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const { code, reason, decision, explanation } = thrown
    throw new Failure(code, {
      reason: `the actor: ${reason}`,
      ...(decision === undefined ? {} : { decision }),
      ...(explanation === undefined ? {} : { explanation: ofTheActor(explanation) }),
    })
  }
}

function ofTheActor(explanation: Json): Json {
  if (typeof explanation !== 'object' || explanation === null || !('summary' in explanation))
    return explanation
  return { ...explanation, summary: `the actor: ${String(explanation['summary'])}` }
}

function allowed(inForce: PolicyInForce, principal: Principal, wish: Wish): Allowed {
  const request = {
    issuer: principal.issuer,
    claims: principal.claims,
    target: wanted(inForce, wish),
    ...(wish.scopes === undefined ? {} : { scopes: wish.scopes }),
    ...(wish.seconds === undefined ? {} : { seconds: wish.seconds }),
  }
  const decision = decide(inForce.policy, request)
  if (!decision.allowed) {
    const explanation =
      decision.code === 'guardrail' ? plainly(request, wish) : explanationOf(inForce, request, wish)
    const because = explanation.grants.length > 0 ? explanation.summary : decision.reason
    throw new Failure(decision.code === 'scope' ? 'scope_refused' : 'target_refused', {
      reason: `${decision.code}: ${because}`,
      decision: decision.code,
      explanation: { summary: explanation.summary, grants: explanation.grants as unknown as Json },
    })
  }
  return decision
}

/**
 * For the principal. Where no grant concerns it, it hears of the words that it used itself: an audience that exists
 * and one that does not get the same answer, so that nobody can map the policy by asking.
 */
function explanationOf({ policy }: PolicyInForce, request: DecisionRequest, wish: Wish): Explanation {
  const explanation = explain(policy, request, 'caller')
  const asked = wish.target ?? wish.resource ?? ''
  if (explanation.grants.length > 0 || asked === request.target) return explanation
  return explain(policy, { ...request, target: asked }, 'caller')
}

/** Our own fault: the caller hears what it would hear of a target that is not for it, and nothing of guardrails. */
function plainly({ claims, target }: DecisionRequest, wish: Wish): Explanation {
  const { repository } = claims
  const who = typeof repository === 'string' ? repository.toLowerCase() : 'this token'
  return { summary: `no grant gives \`${wish.target ?? wish.resource ?? target}\` to ${who}`, grants: [] }
}

/** A target by name, or by its audience URI (RFC 8693 2.1 `resource`); an unknown URI is a name that no target has. */
function wanted(inForce: PolicyInForce, wish: Wish): string {
  if (wish.target !== undefined) return wish.target
  const { resource = '' } = wish
  return targetByAudience(inForce.policy, resource)?.name ?? resource
}
