import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokerRetry, jittered, retryAfterMs } from './retry.ts'

test('a wait is between half of the scheduled one and all of it', () => {
  assert.equal(
    jittered(1000, () => 0),
    500,
  )
  assert.equal(
    jittered(1000, () => 0.999999),
    1000,
  )
  for (let turn = 0; turn < 100; turn++) {
    const random = brokerRetry.random()
    assert.ok(random >= 0 && random < 1)
  }
})

test('Retry-After is believed in whole seconds only', () => {
  assert.equal(retryAfterMs('0'), 0)
  assert.equal(retryAfterMs(' 12 '), 12_000)
  for (const value of [null, '', '-1', '1.5', 'Mon, 23 Nov 2026 03:00:00 GMT', '99999999']) {
    assert.equal(retryAfterMs(value), undefined)
  }
})

test('a wait ends with the reason when it is cancelled, before it or in it', async () => {
  const reason = new Error('cancelled')
  await assert.rejects(brokerRetry.wait(60_000, AbortSignal.abort(reason)), reason)
  const controller = new AbortController()
  const waiting = brokerRetry.wait(60_000, controller.signal)
  controller.abort(reason)
  await assert.rejects(waiting, reason)
  await brokerRetry.wait(0)
})
