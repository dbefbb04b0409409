import { decide } from '@mayfly/policy/decide'
import { explain } from '@mayfly/policy/explain'
import { targetByAudience } from '@mayfly/policy/policy'
import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import type { Principal } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'

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
}

/**
 * Decides. Throws `target_refused` or `scope_refused`: the reason is for the log, the explanation is what the
 * principal itself may know (conditions that concern its own repository).
 */
export function permit(inForce: PolicyInForce, principal: Principal, wish: Wish): Permission {
  const target = wanted(inForce, wish)
  const request = {
    issuer: principal.issuer,
    claims: principal.claims,
    target,
    ...(wish.scopes === undefined ? {} : { scopes: wish.scopes }),
    ...(wish.seconds === undefined ? {} : { seconds: wish.seconds }),
  }
  const decision = decide(inForce.policy, request)
  if (!decision.allowed) {
    const explanation = explain(inForce.policy, request, 'caller')
    throw new Failure(decision.code === 'scope' ? 'scope_refused' : 'target_refused', {
      reason: `${decision.code}: ${explain(inForce.policy, request, 'administrator').summary}`,
      explanation: { summary: explanation.summary, grants: explanation.grants as unknown as Json },
    })
  }
  return {
    target: decision.target.name,
    kind: decision.target.kind,
    settings: decision.target.settings as Json,
    grants: decision.grants,
    scopes: decision.scopes,
    seconds: decision.seconds,
    policy: inForce.digest,
  }
}

/** A target by name, or by its audience URI (RFC 8693 2.1 `resource`). */
function wanted(inForce: PolicyInForce, wish: Wish): string {
  if (wish.target !== undefined) return wish.target
  const found = wish.resource === undefined ? undefined : targetByAudience(inForce.policy, wish.resource)
  if (found === undefined)
    throw new Failure('target_refused', { reason: 'no target has the audience that was asked for' })
  return found.name
}
