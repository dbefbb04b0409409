import { explain } from '@mayfly/policy/explain'
import { decideAgain, mayLack } from '@mayfly/policy/recorded'
import type { Lease } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'
import type { RecordedAsker } from './recorded-decision.ts'
import { settingsTerm } from './terms.ts'

/**
 * Why this policy would not give a lease any more, in words for the log; `undefined` when it would. `asker`: what the
 * log holds of the exchange that gave it; without it nobody can tell, and the lease is not given.
 */
export function whyNoLonger(
  { policy }: PolicyInForce,
  lease: Lease,
  asker: RecordedAsker | undefined,
  nowSeconds: number,
): string | undefined {
  const target = policy.targets.get(lease.target)
  if (target === undefined) return 'the target is no longer in the policy'
  if (target.kind !== lease.kind || settingsTerm(target) !== lease.terms?.settings)
    return 'the settings of the target changed'
  if (asker === undefined) return 'the log does not say for whom it was issued'
  const request = {
    ...{ issuer: asker.issuer, claims: asker.claims, target: lease.target },
    ...(lease.scopes.length === 0 ? {} : { scopes: lease.scopes }),
  }
  const { dropped, act } = asker
  const decision = decideAgain(policy, { ...request, dropped, ...(act === undefined ? {} : { act }) })
  if (!decision.allowed) {
    if (mayLack(policy, asker)) return 'the policy reads claims that the log did not keep'
    // An explanation speaks of one token.
    if (act !== undefined) return `${decision.code}: ${decision.reason}`
    return `${decision.code}: ${explain(policy, request, 'administrator').summary}`
  }
  if (lease.createdAt + decision.seconds <= nowSeconds)
    return `the policy gives it for ${decision.seconds} s now, and it is older`
  return undefined
}
