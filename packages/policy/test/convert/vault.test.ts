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

interface Case {
  readonly name: string
  readonly role: Role & Readonly<Record<string, unknown>>
  readonly templates?: readonly Template[]
  readonly tells?: readonly string[]
  readonly none?: true
  /** What Vault cannot say of the imported policy. */
  readonly cannot?: RegExp
}

const base = {
  role_type: 'jwt',
  user_claim: 'repository',
  bound_audiences: ['sts.amazonaws.com'],
  token_ttl: 900,
}
const missing = /cannot ask for that a claim is missing/
const separator = /a pattern that stops at a separator/
const usual: readonly Template[] = ['legacy', 'immutable']

const cases: readonly Case[] = [
  {
    name: 'a repository and a branch',
    role: { ...base, bound_claims: { repository: 'acme/web', ref: 'refs/heads/main' } },
    tells: ['no-owner-id'],
  },
  {
    name: 'ids',
    role: {
      ...base,
      bound_claims: { repository_id: '40211', repository_owner_id: '9919', ref: 'refs/heads/main' },
    },
  },
  {
    name: 'listed values',
    role: {
      ...base,
      bound_claims: { repository: ['acme/web', 'acme/api'], ref: ['refs/heads/main', 'refs/heads/develop'] },
    },
  },
  {
    name: 'an environment',
    role: { ...base, bound_claims: { repository: 'acme/web', environment: 'production' } },
    tells: ['environment-without-branch', 'any-event'],
  },
  {
    name: 'a subject',
    role: { ...base, bound_subject: 'repo:acme/web:ref:refs/heads/main' },
    cannot: missing,
  },
  {
    name: 'an immutable subject of an environment',
    role: { ...base, bound_subject: 'repo:acme@9919/web@40211:environment:production' },
  },
  {
    name: 'a repository alone',
    role: { ...base, bound_claims: { repository: 'acme/web' } },
    tells: ['any-branch', 'any-event'],
  },
  {
    name: 'an owner alone',
    role: { ...base, bound_claims: { repository_owner: 'acme' } },
    tells: ['any-branch'],
  },
  {
    name: 'a glob of branches',
    role: {
      ...base,
      bound_claims_type: 'glob',
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/release/*' },
    },
    cannot: separator,
  },
  {
    name: 'a glob of repositories',
    role: {
      ...base,
      bound_claims_type: 'glob',
      bound_claims: { repository: 'acme/svc-*', ref: 'refs/heads/main' },
    },
  },
  {
    name: 'a glob of subjects',
    role: { ...base, bound_claims_type: 'glob', bound_claims: { sub: 'repo:acme/*:environment:production' } },
  },
  {
    name: 'a star that is everything',
    role: {
      ...base,
      bound_claims_type: 'glob',
      bound_claims: { repository: 'acme/web', ref: '*', environment: 'production' },
    },
    tells: ['any-value'],
    cannot: /./,
  },
  {
    name: 'an event',
    role: {
      ...base,
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/main', event_name: ['push', 'pull_request'] },
    },
    tells: ['outsiders-event'],
  },
  {
    name: 'pull requests only',
    role: { ...base, bound_claims: { repository: 'acme/web', event_name: 'pull_request' } },
    none: true,
  },
  {
    name: 'no audience',
    role: {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/main' },
    },
    tells: ['no-audience', 'no-lifetime'],
  },
  {
    name: 'a reusable workflow',
    role: {
      ...base,
      bound_claims: {
        repository_owner: 'acme',
        job_workflow_ref: 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
      },
    },
  },
  {
    name: 'a protected branch and a hosted runner',
    role: {
      ...base,
      bound_claims: {
        repository: 'acme/web',
        ref: 'refs/heads/main',
        ref_protected: 'true',
        runner_environment: 'github-hosted',
      },
    },
  },
  { name: 'nothing', role: { ...base, bound_claims: {} }, tells: ['any-repository'] },
  {
    name: 'a star that is a letter',
    role: { ...base, bound_claims: { repository: 'acme/*', ref: 'refs/heads/main' } },
    none: true,
  },
  {
    name: 'a display name',
    role: { ...base, bound_claims: { repository: 'acme/web', workflow: 'Deploy' } },
    none: true,
  },
  {
    name: 'an actor',
    role: { ...base, bound_claims: { repository: 'acme/web', actor: 'octocat', ref: 'refs/heads/main' } },
  },
  {
    name: 'mappings',
    role: {
      ...base,
      claim_mappings: { environment: 'env' },
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/main' },
    },
    tells: ['claim-mapping'],
  },
  {
    name: 'a template',
    role: { ...base, bound_subject: 'repository_owner_id:9919:environment:production' },
    templates: [['repository_owner_id', 'environment']],
  },
]

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
