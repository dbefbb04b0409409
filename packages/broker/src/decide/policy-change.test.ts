import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeEvent } from '../audit/events.ts'
import type { Json } from '../base/canonical-json.ts'
import { changeSummary, policyChange } from './policy-change.ts'

const nothing = {
  ...{ gained: [], lost: [], lifetimes: [], targets: [], guardrails: [] },
  ...{ productionGained: false, complete: true },
}

const change = (tier: string, more: object = {}) => ({
  ...{ target: 'orders-api', tier, scopes: ['read'], cause: 'grant shop', conditions: ['ref is main'] },
  ...{ place: { path: 'policies/a.policy.yaml', line: 7, column: 3 }, sample: { ref: 'refs/heads/main' } },
  ...more,
})

test('a change says what, where and for whom, and a refactoring says that it is none', () => {
  const found = policyChange({ ...nothing, gained: [change('staging')] })
  assert.deepEqual(found.gained, [{ ...change('staging'), place: 'policies/a.policy.yaml:7:3' }])
  assert.equal(changeSummary(found), '1 access gained')
  assert.equal(changeSummary(policyChange(nothing)), 'no change in access')
  assert.equal(changeSummary(undefined), 'what it changes could not be told')
  assert.equal(changeSummary(policyChange({ ...nothing, complete: false })), 'not all of it could be told')
})

test('what production gains comes first, and the rest is counted', () => {
  const gained = Array.from({ length: 500 }, (_, i) => change(i === 499 ? 'production' : 'staging'))
  const found = policyChange({ ...nothing, gained, lost: [change('staging')], productionGained: true })
  assert.equal((found.gained[0] as { tier: string }).tier, 'production')
  assert.equal(found.gained.length + found.lost.length + found.more, 501)
  assert.deepEqual([found.counts.gained, found.counts.lost], [500, 1])
  assert.match(changeSummary(found), /^500 access gained \(production too\), 1 access lost$/)
})

test('whatever names a policy has, its change fits into an entry', () => {
  const long = 'é'.repeat(5_000)
  const wide = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${long}${i}`, long]))
  let deep: Json = 'bottom'
  for (let i = 0; i < 100; i++) deep = [deep]
  const hostile = change('staging', { cause: long, scopes: Array(900).fill(long), sample: wide, deep })
  const gained = Array.from({ length: 50 }, () => hostile)
  const found = policyChange({ ...nothing, gained, lost: gained, targets: gained })
  const names = { digest: 'd', previous: 'p', detail: changeSummary(found) }
  const tools = { now: () => 1, randomBytes: (size: number) => new Uint8Array(size) }
  const { bytes } = encodeEvent({ type: 'policy.changed', ...names, change: found as unknown as Json }, tools)
  const { cut, change: kept } = JSON.parse(new TextDecoder().decode(bytes)) as {
    cut?: boolean
    change: object
  }
  assert.equal(cut, undefined)
  assert.ok(bytes.length < 16_000, `${bytes.length}`)
  assert.deepEqual(Object.keys(kept).length, 9)
})
