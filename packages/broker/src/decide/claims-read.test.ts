import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { mayLack } from '@mayfly/policy/recorded'
import { encodeEvent } from '../audit/events.ts'
import type { Json } from '../base/canonical-json.ts'
import type { AuditEvent } from '../domain.ts'
import { claimsRead } from './claims-read.ts'
import { permit } from './permission.ts'
import { openPolicy } from './policies.ts'
import { recordedAsker } from './recorded-decision.ts'

const inForce = openPolicy({
  files: [
    {
      path: 'p.policy.yaml',
      text: `version: 1
issuers: { github: { owners: [acme], properties: [team] } }
targets: { orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, repo_property_team: shop }, get: orders-api, for: 10m }
`,
    },
  ],
  lock: { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' },
})

const token: Record<string, Json> = {
  ...{ iss: 'i', aud: 'a', sha: '0', run_id: '7', head_ref: 'x', actor: 'octocat' },
  ...{ sub: 'repo:acme/shop:ref:refs/heads/main', repo_property_team: 'shop', repo_property_other: 'x' },
  ...{
    repository: 'acme/shop',
    repository_id: '40211',
    repository_owner: 'acme',
    repository_owner_id: '9919',
  },
  ...{ actor_id: '1', event_name: 'push', ref: 'refs/heads/main', ref_type: 'branch', ref_protected: 'true' },
  ...{ job_workflow_ref: 'acme/shop/.github/workflows/ci.yml@refs/heads/main' },
  ...{ runner_environment: 'github-hosted', repository_visibility: 'private' },
}

test('the claims that a policy reads are enough to decide again, and no others are named', () => {
  const kept = claimsRead(inForce, 'github', token)
  const names = Object.keys(kept)
  const principal = { issuer: 'github', iss: 'i', subject: 's', replayKey: 'k', replayUntil: 1 }
  const again = permit(inForce, { ...principal, claims: kept }, { target: 'orders-api' })
  assert.deepEqual(again, permit(inForce, { ...principal, claims: token }, { target: 'orders-api' }))
  for (const name of names) {
    const { [name]: _, ...without } = kept
    const fewer = claimsRead(inForce, 'github', without)
    assert.ok(!Object.hasOwn(fewer, name))
  }
  const idle = ['iss', 'aud', 'sha', 'run_id', 'head_ref', 'actor', 'repo_property_other']
  assert.deepEqual(
    idle.filter((name) => names.includes(name)),
    [],
  )
  assert.ok(names.includes('repo_property_team') && names.includes('job_workflow_ref'))
})

test('an issuer that the policy does not know has no claims that are read', () => {
  assert.deepEqual(claimsRead(inForce, 'gitlab', token), {})
})

test('of somebody in a great many groups the log keeps those that the policy names, and decides the same again', () => {
  const text = `version: 1
issuers: { people: { kind: oidc, claims: [email, { groups: [admins, staff, "a%20b"] }] } }
targets: { console: { tier: staging, access: read, token: { audience: https://console.example } } }
grants: [{ name: both, who: { groups: { all: [admins, staff] } }, get: console, for: 10m }]
`
  const people = openPolicy({ files: [{ path: 'p.policy.yaml', text }] })
  const others = Array.from({ length: 900 }, (_, at) => `11111111-1111-1111-1111-${at}`)
  const about = { issuer: 'people', subject: 's', target: 'console', via: 'token-exchange' as const }
  const issued = {
    kind: 'token',
    policy: 'p',
    grants: ['both'],
    scopes: [],
    expires: 1,
    seconds: 1,
    lease: 'ls_1',
  }
  const refused = { code: 'target_refused', reason: 'why', decision: 'no_grant' } as const
  const tools = { now: () => 1, randomBytes }
  for (const groups of [
    [...others, 'admins', 'staff', 'staff'],
    [...others, 'staff'],
    [...others.slice(0, 20), 'staff', 'admins'],
    ['staff', 'admins'],
    [],
  ]) {
    const principal = { issuer: 'people', iss: 'i', subject: 's', replayKey: 'k', replayUntil: 1 }
    const outcome = (claims: Record<string, Json>) => {
      try {
        return permit(people, { ...principal, claims }, { target: 'console' }).grants
      } catch (thrown) {
        return String(thrown)
      }
    }
    const claims = { email: 'a@acme.example', groups, idle: 'x'.repeat(5000) }
    const events: readonly AuditEvent[] = [
      { type: 'credential.issued', ...about, ...issued, claims },
      { type: 'credential.refused', ...about, ...refused, claims },
    ]
    for (const event of events) {
      const { bytes } = encodeEvent(event, tools, (issuer, given) => claimsRead(people, issuer, given))
      assert.ok(bytes.length < 8_000, `${bytes.length}`)
      const again = recordedAsker(JSON.parse(new TextDecoder().decode(bytes)))
      assert.ok(again !== undefined)
      assert.deepEqual(outcome(again.claims as Record<string, Json>), outcome(claims))
      if (groups.length > 64) assert.ok(mayLack(people.policy, again), 'another policy may name what was cut')
    }
  }
})
