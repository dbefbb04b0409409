/** What both directions are held to: by jobs that are made up, and by the prover. */
import assert from 'node:assert/strict'
import { compose, type ImportedPolicy } from '@mayfly/policy/convert/compose'
import type { ImportedRule, Setting } from '@mayfly/policy/convert/rule'
import { decide } from '@mayfly/policy/decide'
import { diffPolicies } from '@mayfly/policy/diff'
import { loadPolicy } from '@mayfly/policy/load'
import { lockOf, lockText } from '@mayfly/policy/lock-text'
import type { Policy } from '@mayfly/policy/policy'
import { type Claims, lock, type Random, someJob, someTemplate, type Template, withSubject } from './jobs.ts'

export const setting: Setting = {
  owners: [
    { name: 'acme', id: '9919' },
    { name: 'acme-labs', id: '9920' },
  ],
  tier: 'production',
  access: 'admin',
  branch: 'main',
}

export type Allows = (claims: Claims) => boolean

/** The text as a policy with the lock of today; throws with its faults. */
export function loaded(text: string): Policy {
  const found = loadPolicy([{ path: 'imported.policy.yaml', text }], {
    path: 'policy.lock.yaml',
    text: lockText(lockOf(lock)),
  })
  assert.ok(
    found.ok,
    `${text}\n${found.ok ? '' : found.problems.map(({ code, message }) => `${code} ${message}`).join('\n')}`,
  )
  return found.policy
}

export function composed(
  rules: readonly ImportedRule[],
  own: Setting = setting,
): ImportedPolicy & { readonly policy: Policy } {
  const imported = compose(rules, own)
  return { ...imported, policy: loaded(imported.text) }
}

export function policyAllows(policy: Policy, target: string): Allows {
  return (claims) => decide(policy, { issuer: 'github', claims, target }).allowed
}

/** Jobs that the policy lets in and the original never would, whichever of the usual templates their `sub` had. */
export function widerThanOriginal(
  policy: Allows,
  original: Allows,
  templates: readonly Template[],
  random: Random,
  count = 4000,
): readonly Claims[] {
  return Array.from({ length: count }, () => ({ ...someJob(random), aud: 'sts.amazonaws.com' })).filter(
    (job) => {
      const forms = templates
        .map((template) => withSubject(job, template))
        .filter((each) => each !== undefined)
      return forms.some(policy) && !forms.some(original)
    },
  )
}

/** Jobs that an exported rule lets in and the policy does not, under any template that a repository could choose. */
export function widerThanPolicy(
  exported: Allows,
  policy: Allows,
  usual: readonly Template[],
  random: Random,
  count = 4000,
): readonly Claims[] {
  return Array.from({ length: count }, () =>
    withSubject(someJob(random), someTemplate(random, usual)),
  ).filter((claims): claims is Claims => claims !== undefined && exported(claims) && !policy(claims))
}

/** Says whether `after` is inside `before`, and whether it is the same. */
export function compared(
  before: Policy,
  after: Policy,
): { readonly inside: boolean; readonly same: boolean; readonly lost: string } {
  const { gained, lost, complete } = diffPolicies(before, after)
  return {
    inside: complete && gained.length === 0,
    same: complete && gained.length === 0 && lost.length === 0,
    lost: JSON.stringify(lost),
  }
}
