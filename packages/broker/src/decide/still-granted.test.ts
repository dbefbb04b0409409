import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lease } from '../domain.ts'
import { openPolicy, type PolicyInForce } from './policies.ts'
import { recordedAsker } from './recorded-decision.ts'
import { whyNoLonger } from './still-granted.ts'
import { termsOf } from './terms.ts'

const lock = { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' }
const text = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example, scopes: [read, write] } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main }, get: { target: orders-api, scopes: [read, write] }, for: 10m }
`
const policyOf = (change: (text: string) => string = (same) => same) =>
  openPolicy({ files: [{ path: 'p.policy.yaml', text: change(text) }], lock })

const before = policyOf()
const target = before.policy.targets.get('orders-api')
assert.ok(target !== undefined)

const lease: Lease = {
  ...{ id: 'ls_1', state: 'active', target: 'orders-api', kind: 'token', issuer: 'github', subject: 's' },
  ...{ grants: ['shop'], scopes: ['read', 'write'], createdAt: 1_000, expiresAt: 1_600 },
  terms: termsOf(before, target),
  handle: new Uint8Array(),
}

const claims = {
  ...{
    repository: 'acme/shop',
    repository_id: '40211',
    repository_owner: 'acme',
    repository_owner_id: '9919',
  },
  ...{
    actor_id: '1',
    event_name: 'push',
    ref: 'refs/heads/main',
    ref_type: 'branch',
    environment: 'staging',
  },
  ...{ runner_environment: 'github-hosted', repository_visibility: 'private' },
}
const entry = { type: 'credential.issued', issuer: 'github', claims }

const why = (policy: PolicyInForce, over: Partial<Lease> = {}, recorded: unknown = entry) =>
  whyNoLonger(policy, { ...lease, ...over }, recordedAsker(recorded), 1_100)

test('what the policy gives now as it did then goes on, whatever else changed in it', () => {
  assert.equal(why(before), undefined)
  const other =
    '  - { name: other, who: { repo: acme/shop, branch: dev }, get: { target: orders-api, scopes: [read] }, for: 5m }\n'
  assert.equal(why(policyOf((same) => same + other)), undefined)
  // Another grant that gives the same is as good.
  assert.equal(why(policyOf((same) => same.replace('name: shop', 'name: shop-main'))), undefined)
  assert.equal(why(policyOf((same) => same.replace('for: 10m', 'for: 5m'))), undefined)
})

test('what the policy would not give ends, for a reason in words', () => {
  const cases: readonly [RegExp, (text: string) => string][] = [
    [/^the target is no longer/, (same) => same.replaceAll('orders-api', 'orders')],
    [/^the settings of the target/, (same) => same.replace('orders.example', 'o.example')],
    [/^no_grant: shop: ref is/, (same) => same.replace('branch: main', 'branch: dev')],
    [
      /^scope: /,
      (same) =>
        same.replace(
          '{ target: orders-api, scopes: [read, write] }',
          '{ target: orders-api, scopes: [read] }',
        ),
    ],

    [
      /^denied: /,
      (same) => `${same}deny:\n  - { name: no, who: { environment: staging }, get: orders-api }\n`,
    ],
    [/for 60 s now/, (same) => same.replace('for: 10m', 'for: 1m')],
  ]
  for (const [reason, change] of cases) assert.match(why(policyOf(change)) ?? 'nothing', reason)
})

test('what nobody can tell is not given', () => {
  assert.match(why(before, {}, null) ?? '', /^the log does not say/)
  assert.match(why(before, { terms: { policy: 'p', settings: 'other' } }) ?? '', /^the settings/)
  const cut = { ...entry, claims: { ...claims, ref: undefined, '[cut]': '9 members' } }
  assert.match(why(before, {}, cut) ?? '', /did not keep/)
  // The claim that was left out does not matter where another condition fails, nor where none reads it.
  assert.equal(why(before, {}, { ...entry, dropped: ['workflow_ref'] }), undefined)
})
