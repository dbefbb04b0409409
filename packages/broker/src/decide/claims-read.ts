import { claimsAsked } from '@mayfly/policy/claims-asked'
import type { Claims } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'

/** Names of the claims that a policy reads when it judges a token of this issuer, those that the token has. */
export function claimsRead({ policy }: PolicyInForce, issuer: string, claims: Claims): readonly string[] {
  return [...claimsAsked(policy, issuer, claims)].filter((name) => Object.hasOwn(claims, name))
}
