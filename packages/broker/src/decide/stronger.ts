import { decide } from '@mayfly/policy/decide'
import { listed } from '@mayfly/policy/lang'
import type { PolicyInForce } from './policies.ts'

/** Somebody who signed in, and what they want. */
export interface SignedInAsker {
  readonly issuer: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly target: string
  /** One of these would do; absent: whatever the policy gives of the target. */
  readonly scopes?: readonly string[]
}

/** What the provider is asked for, as RFC 6749 spells values of a parameter. */
const spelled = /^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/

/**
 * Values of `acr` with which this very person would be given what they want, by the policy in force: nothing where a stronger
 * sign-in changes nothing.
 */
export function strongerFor(
  { policy }: PolicyInForce,
  { scopes, ...asker }: SignedInAsker,
): readonly string[] {
  const entries = policy.index.get(asker.issuer)?.get(asker.target)?.entries ?? []
  const named = entries.flatMap(({ box }) => {
    const acr = box.get('acr')
    return acr === undefined ? [] : [...(listed(acr.lang) ?? [])]
  })
  return [...new Set(named)].filter((acr) => {
    const request = { ...asker, claims: { ...asker.claims, acr } }
    const wishes = scopes === undefined ? [request] : scopes.map((scope) => ({ ...request, scopes: [scope] }))
    return spelled.test(acr) && wishes.some((wish) => decide(policy, wish).allowed)
  })
}
