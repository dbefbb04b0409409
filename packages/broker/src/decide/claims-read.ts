import { claimsAsked } from '@mayfly/policy/claims-asked'
import { valuesOfList } from '@mayfly/policy/schema/list-claims'
import type { Json } from '../base/canonical-json.ts'
import type { Claims } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'

/**
 * The claims that a policy reads when it judges a token of this issuer, those that the token has. Of a list, the values that the policy
 * names come first: whatever is cut is cut at the end.
 */
export function claimsRead({ policy }: PolicyInForce, issuer: string, claims: Claims): Claims {
  const declared = policy.issuers.get(issuer)?.properties ?? []
  const names = [...claimsAsked(policy, issuer, claims)].filter((name) => Object.hasOwn(claims, name))
  return Object.fromEntries(
    names.map((name) => [name, namedFirst(claims[name], valuesOfList(declared, name))]),
  )
}

function namedFirst(value: Json | undefined, named: readonly string[] | undefined): Json {
  if (named === undefined || !Array.isArray(value)) return value ?? null
  const items: readonly Json[] = value
  const known: ReadonlySet<Json> = new Set(named)
  const isNamed = (item: Json) => known.has(item)
  return [...new Set(items.filter(isNamed)), ...items.filter((item) => !isNamed(item))]
}
