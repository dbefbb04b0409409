import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, parseDuration } from './duration.ts'

test('durations are a whole number and a unit', () => {
  assert.deepEqual(['90s', '15m', '24h', '7d'].map(parseDuration), [90, 900, 86_400, 604_800])
})

test('anything else is not a duration', () => {
  for (const text of ['', '15', '1.5h', '-5m', '0s', '5 m', '5M', '15m ', 'h', '9999999999s']) {
    assert.equal(parseDuration(text), undefined, text)
    assert.equal(duration.safeParse(text).success, false, text)
  }
})
