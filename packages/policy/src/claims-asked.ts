/** claims-asked: which claims a policy looks at when it judges a token; a record that has them can be judged again. */
import { admit } from './decide.ts'
import type { Policy } from './policy.ts'

/**
 * Names of claims, whether the token has them or not. Asked of the intake itself: a list beside it would miss the
 * claim that somebody adds next year. None when the policy does not know the issuer.
 */
export function claimsAsked(
  policy: Policy,
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
): ReadonlySet<string> {
  const names = new Set<string>()
  const note = (name: string | symbol): void => {
    if (typeof name === 'string') names.add(name)
  }
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
  admit(policy, { issuer, claims: watched })
  return names
}
