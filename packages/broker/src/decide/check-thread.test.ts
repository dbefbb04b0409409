import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as later } from 'node:timers/promises'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { checkInThread } from './check-thread.ts'

const lock = { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' }

function sources(grants: number, more = '') {
  const head = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example } }
grants:
`
  const rows = Array.from(
    { length: grants },
    (_, i) => `  - { name: g-${i}, who: { repo: acme/shop, branch: b-${i} }, get: orders-api, for: 10m }\n`,
  )
  return { files: [{ path: 'p.policy.yaml', text: `${head}${rows.join('')}${more}` }], lock }
}

const breach = `guardrails:
  - { name: never main, never: { branch: b-0 }, get: orders-api }
`

test('a good policy is found good, with its warnings', async () => {
  const verdict = await checkInThread({ next: sources(2), before: sources(1) }, fakeTools())
  assert.ok(verdict.ok)
})

test('a guardrail that does not hold is a fault with its place, as at the start', async () => {
  const verdict = await checkInThread({ next: sources(1, breach), before: sources(1) }, fakeTools())
  assert.ok(!verdict.ok)
  assert.deepEqual(
    verdict.problems.map(({ code, line }) => [code, line]),
    [['P028', 8]],
  )
})

test('requests are served while a large policy is checked', async () => {
  const before = sources(2_000)
  const checking = checkInThread({ next: sources(2_000, '# changed\n'), before }, fakeTools())
  let turns = 0
  const counting = (async () => {
    for (;;) {
      const verdict = await Promise.race([checking, later(5)])
      if (verdict !== undefined) return verdict
      turns += 1
    }
  })()
  assert.ok((await counting).ok)
  assert.ok(turns > 5, `the loop turned ${turns} times`)
})

test('a check without an end is given up', async () => {
  const tools = fakeTools()
  const checking = checkInThread({ next: sources(2_000), before: sources(2_000) }, tools)
  tools.advance(120_000)
  await assert.rejects(checking, /could not be checked within 120 s/)
  assert.equal(tools.waiting(), 0)
})
