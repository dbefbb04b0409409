import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../test/fakes/clock.ts'
import { Failure } from './base/failure.ts'
import { silent } from './base/tools.ts'
import type { Core } from './core.ts'
import { holdPolicy } from './decide/held-policy.ts'
import { openChecked } from './decide/policies.ts'
import type { Principal } from './domain.ts'
import { decideWith } from './live-policy.ts'

const text = (guarded: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets: { orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main }, get: orders-api, for: 10m }
guardrails:
  - { name: ${guarded} never writes, never: { environment: ${guarded} }, get: orders-api }
`

/** Built without its proofs, as if the prover had been wrong. */
function unproved(guarded: string) {
  const files = [{ path: 'p.policy.yaml', text: text(guarded) }]
  const lock = { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' }
  return openChecked({ files, lock }, [])
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
const principal: Principal = {
  issuer: 'github',
  iss: 'i',
  subject: 's',
  claims,
  replayKey: 'k',
  replayUntil: 1,
}

function world(guarded: string) {
  const alarms: unknown[] = []
  let hits = 0
  const log = { ...silent, error: (message: string, fields?: object) => void alarms.push([message, fields]) }
  const policy = holdPolicy(unproved(guarded))
  const core = { policy, tools: fakeTools(undefined, log) } as unknown as Core
  const decide = decideWith(core, { guardrailHit: () => void hits++ })
  return { decide, policy, seen: () => ({ alarms, hits }) }
}

test('a guardrail that holds where a grant said yes raises the alarm each time', () => {
  const { decide, seen } = world('staging')
  for (const _ of [1, 2]) {
    assert.throws(
      () => decide(principal, { target: 'orders-api' }),
      (thrown) => {
        return (
          thrown instanceof Failure && thrown.code === 'target_refused' && thrown.decision === 'guardrail'
        )
      },
    )
  }
  const { alarms, hits } = seen()
  assert.equal(hits, 2)
  assert.match(JSON.stringify(alarms[0]), /ALARM.*staging never writes.*orders-api/)
})

test('no other refusal raises it', () => {
  const { decide, seen } = world('production')
  assert.equal(decide(principal, { target: 'orders-api' }).seconds, 600)
  const feature = { ...principal, claims: { ...claims, ref: 'refs/heads/x' } }
  assert.throws(() => decide(feature, { target: 'orders-api' }), {
    code: 'target_refused',
    decision: 'no_grant',
  })
  assert.throws(() => decide(principal, { target: 'nothing' }), { decision: 'unknown_target' })
  assert.deepEqual(seen(), { alarms: [], hits: 0 })
})

test('each request is decided by the policy that is in force then', () => {
  const { decide, policy } = world('production')
  assert.doesNotThrow(() => decide(principal, { target: 'orders-api' }))
  policy.adopt(unproved('staging'))
  assert.throws(() => decide(principal, { target: 'orders-api' }))
})

test('keys stay published for as long as any policy since the start let tokens live', () => {
  const held = holdPolicy(unproved('staging'))
  const longer = text('staging').replace('max: 15m', 'max: 45m')
  const { policy, ...rest } = unproved('staging')
  assert.equal(held.longestToken(), 900)
  const lock = { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' }
  held.adopt(openChecked({ files: [{ path: 'p.policy.yaml', text: longer }], lock }, []))
  assert.equal(held.longestToken(), 2_700)
  held.adopt({ policy, ...rest })
  assert.equal(held.longestToken(), 2_700)
})
