import { admit } from '@mayfly/policy/decide'
import type { Claims } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'

/**
 * Names of the claims that a policy reads when it judges a token of this issuer, those that the token has. Whoever
 * keeps them can decide again. None when the policy does not know the issuer.
 */
export function claimsRead({ policy }: PolicyInForce, issuer: string, claims: Claims): readonly string[] {
  const names = new Set<string>()
  const note = (name: string | symbol) => {
    if (typeof name === 'string' && Object.hasOwn(claims, name)) names.add(name)
  }
  // Asked of the intake itself: a list beside it would miss the claim that somebody adds next year.
  const watched = new Proxy(claims, {
    get: (all, name) => {
      note(name)
      return Reflect.get(all, name) as unknown
    },
    has: (all, name) => {
      note(name)
      return Reflect.has(all, name)
    },
    getOwnPropertyDescriptor: (all, name) => {
      note(name)
      return Reflect.getOwnPropertyDescriptor(all, name)
    },
  })
  admit(policy, { issuer, claims: watched, target: '' })
  return [...names]
}
