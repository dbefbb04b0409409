import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { newId } from './id.ts'

test('ids sort by the time they were made', () => {
  let now = 1_790_000_000_000
  const ids = Array.from({ length: 200 }, () => newId('ls', { now: () => now++, randomBytes }))
  assert.deepEqual(ids.toSorted(), ids)
})

test('ids made at the same moment differ and are plain words', () => {
  const ids = Array.from({ length: 1000 }, () => newId('ls', { now: () => 1, randomBytes }))
  assert.equal(new Set(ids).size, 1000)
  for (const id of ids) assert.match(id, /^ls_[0-9a-hjkmnp-tv-z]{26}$/)
})
