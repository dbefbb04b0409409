/** Vault's JWT roles, both ways. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { exportVault } from '@mayfly/policy/convert/vault/export'
import { importVault } from '@mayfly/policy/convert/vault/import'
import { randomFrom } from '../../../../test/fakes/seeded.ts'
import type { Template } from './jobs.ts'
import {
  compared,
  composed,
  loaded,
  policyAllows,
  setting,
  widerThanOriginal,
  widerThanPolicy,
} from './judged.ts'
import { type Role, vaultAllows } from './vault-login.ts'
import { base, cases } from './vault-roles.ts'

const usual: readonly Template[] = ['legacy', 'immutable']

const imported = (role: unknown) => composed([importVault({ name: 'deploy', role }, setting)])
const choice = { audience: 'sts.amazonaws.com', longer: false }

for (const { name, role, templates = usual, tells = [], none, cannot } of cases) {
  test(`Vault: ${name}: the policy is inside the role, and its export inside the policy`, (t) => {
    const random = randomFrom(t)
    if (none) {
      assert.throws(() => imported(role), Cannot)
      return
    }
    const { policy, findings } = imported(role)
    assert.deepEqual(
      tells.filter((code) => !findings.some((finding) => finding.code === code)),
      [],
    )
    const allows = policyAllows(policy, 'deploy')
    assert.deepEqual(
      widerThanOriginal(allows, (claims) => vaultAllows(role, claims), templates, random),
      [],
    )
    if (cannot) {
      assert.throws(() => exportVault(policy, choice), cannot)
      return
    }
    const { roles } = exportVault(policy, choice)
    const exported = (claims: Parameters<typeof allows>[0]) =>
      roles.some((each) => vaultAllows(each.role, claims))
    assert.deepEqual(widerThanPolicy(exported, allows, usual, random), [])
    // A role for each alternative: they are the policy together.
    const back = roles.map((each) => importVault({ name: 'deploy', role: each.role }, setting))
    const again = composed(
      back
        .slice(0, 1)
        .map((first) => ({ ...first, alternatives: back.flatMap((each) => each.alternatives) })),
    )
    const { inside, same, lost } = compared(policy, again.policy)
    assert.ok(inside)
    assert.ok(same, lost)
  })
}

test('Vault: random roles are never widened, in either direction', (t) => {
  const random = randomFrom(t)
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T
  let taken = 0
  for (let at = 0; at < 60; at++) {
    const role: Role = {
      bound_claims_type: pick(['glob', 'string']),
      bound_claims: {
        repository: pick(['acme/web', 'acme/*', 'acme/svc-*', 'acme*']),
        ...pick<object>([
          {},
          { ref: 'refs/heads/main' },
          { ref: ['refs/heads/release/*', 'refs/heads/main'] },
          { ref: 'refs/*' },
          { ref: '*v1' },
        ]),
        ...pick<object>([
          {},
          { environment: 'production' },
          { environment: 'prod*' },
          { event_name: '*' },
          { event_name: 'p*' },
        ]),
      },
    }
    try {
      const { policy } = imported(role)
      taken++
      const allows = policyAllows(policy, 'deploy')
      assert.deepEqual(
        widerThanOriginal(allows, (claims) => vaultAllows(role, claims), usual, random, 1000),
        [],
        JSON.stringify(role),
      )
      const { roles } = exportVault(policy, choice)
      assert.deepEqual(
        widerThanPolicy(
          (claims) => roles.some((each) => vaultAllows(each.role, claims)),
          allows,
          usual,
          random,
          1000,
        ),
        [],
        JSON.stringify(role),
      )
    } catch (thrown) {
      if (!(thrown instanceof Cannot)) throw thrown
    }
  }
  assert.ok(taken >= 10, `only ${taken} of 60 could be taken`)
})

test('Vault: a widening in either direction is seen', (t) => {
  const random = randomFrom(t)
  const role = {
    ...base,
    bound_claims: { repository: 'acme/web', ref: 'refs/heads/main', environment: 'production' },
  }
  const { text, policy } = imported(role)
  const wider = loaded(text.replace(', environment: production', ''))
  assert.notDeepEqual(
    widerThanOriginal(
      policyAllows(wider, 'deploy'),
      (claims) => vaultAllows(role, claims),
      usual,
      random,
      40_000,
    ),
    [],
  )
  const [exported] = exportVault(policy, choice).roles
  const { event_name: _, ...fewer } = exported?.role.bound_claims ?? {}
  assert.notDeepEqual(
    widerThanPolicy(
      (claims) => vaultAllows({ bound_claims: fewer }, claims),
      policyAllows(policy, 'deploy'),
      usual,
      random,
      40_000,
    ),
    [],
  )
})
