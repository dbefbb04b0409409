import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../base/failure.ts'
import type { Principal } from '../domain.ts'
import { permit, type Wish } from './permission.ts'
import { openChecked, openPolicy } from './policies.ts'

const inForce = openPolicy({
  files: [
    {
      path: 'p.policy.yaml',
      text: `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example, scopes: [read] } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: orders-api, for: 10m }
`,
    },
  ],
  lock: { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' },
})

function principal(repository: string, id: string, owner: string): Principal {
  const name = repository.split('/')[0] ?? ''
  const claims = {
    ...{ repository, repository_id: id, repository_owner: name, repository_owner_id: owner, actor_id: '1' },
    ...{ event_name: 'push', ref: 'refs/heads/main', ref_type: 'branch', environment: 'staging' },
    ...{ runner_environment: 'github-hosted', repository_visibility: 'private' },
  }
  return { issuer: 'github', iss: 'i', subject: 's', claims, replayKey: 'k', replayUntil: 1 }
}

const ours = principal('acme/shop', '40211', '9919')
const stranger = principal('mallory/x', '666', '667')

function refusal(who: Principal, wish: Wish, by = inForce): Failure {
  try {
    permit(by, who, wish)
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
  return assert.fail('was permitted')
}

/** What the caller reads, with its own words taken out. */
const words = (failure: Failure, own: string) => JSON.stringify(failure.explanation).replaceAll(own, 'IT')

test('a target is asked for by its name or by its audience', () => {
  assert.equal(permit(inForce, ours, { target: 'orders-api' }).target, 'orders-api')
  assert.equal(permit(inForce, ours, { resource: 'https://orders.example' }).target, 'orders-api')
})

test('a stranger cannot tell an audience or a name that exists from one that does not', () => {
  const [real, none] = ['https://orders.example', 'https://nothing.example']
  const found = refusal(stranger, { resource: real })
  assert.equal(words(found, real), words(refusal(stranger, { resource: none }), none))
  assert.doesNotMatch(JSON.stringify(found.explanation), /orders-api/)
  const [name, other] = ['orders-api', 'nothing-api']
  assert.equal(
    words(refusal(stranger, { target: name }), name),
    words(refusal(stranger, { target: other }), other),
  )
})

test('whom a grant concerns learns which condition failed, and the log does too', () => {
  const claims = { ...ours.claims, environment: 'production' }
  const failure = refusal({ ...ours, claims }, { target: 'orders-api' })
  assert.match(JSON.stringify(failure.explanation), /environment is production, needs staging/)
  assert.match(failure.reason, /no_grant: shop: environment is production/)
})

/** Built without its proofs, as if the prover had been wrong. */
const unproved = openChecked(
  {
    files: [
      {
        path: 'p.policy.yaml',
        text: `version: 1
issuers: { github: { owners: [acme] } }
targets: { orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main }, get: orders-api, for: 10m }
guardrails:
  - { name: staging never writes, never: { environment: staging }, get: { tier: staging } }
`,
      },
    ],
    lock: { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' },
  },
  [],
)

test('what only the second lock stopped is refused like any other, and the log knows better', () => {
  const failure = refusal(ours, { target: 'orders-api' }, unproved)
  assert.deepEqual([failure.code, failure.decision], ['target_refused', 'guardrail'])
  assert.match(failure.reason, /^guardrail: .*staging never writes/)
  const other = refusal(ours, { target: 'nothing-api' }, unproved)
  assert.equal(words(failure, 'orders-api'), words(other, 'nothing-api'))
})
