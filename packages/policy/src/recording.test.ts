import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lock, policyOf } from '../test/fixture.ts'
import { diffPolicies } from './diff.ts'
import { loadPolicy } from './load.ts'

const text = (target: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders: { tier: staging, access: write, ${target} }
grants:
  - { name: it, who: { repo: acme/web, branch: main, event: push }, get: orders, for: 5m }
`
const token = 'token: { audience: "https://orders.example" }'
const problems = (target: string) => {
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text: text(target) }], lock)
  return loaded.ok ? '' : loaded.problems.map(({ code, message }) => `${code} ${message}`).join('\n')
}

test('a target says how its requests are recorded, and need not', () => {
  const said = (target: string) => policyOf(text(target)).targets.get('orders')?.record
  assert.equal(said(token), undefined)
  assert.equal(said(`record: required, ${token}`), 'required')
  assert.equal(
    said('record: best_effort, postgres_role: { server: a, role: b, audience: "postgres://orders" }'),
    'best_effort',
  )
})

test('another word, and a kind of target whose requests no route carries, are refused', () => {
  assert.match(problems(`record: always, ${token}`), /^P026 `record` is required, best_effort or refusals$/)
  assert.match(problems(`record: true, ${token}`), /P026/)
  assert.match(problems('record: required, secret: a'), /^P026 no route carries requests/)
})

test('a difference of policies says that requests are recorded in another way', () => {
  const changes = (before: string, after: string) =>
    diffPolicies(policyOf(text(before)), policyOf(text(after))).targets
  assert.deepEqual(
    changes(`record: required, ${token}`, token).map(({ change, before, after }) => [change, before, after]),
    [['record', 'required', 'refusals']],
  )
  assert.deepEqual(changes(`record: refusals, ${token}`, token), [])
})
