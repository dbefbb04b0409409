import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemTools } from './main.ts'

test('random bytes come in the size that was asked for and never twice', () => {
  const { randomBytes } = systemTools('error', () => {})
  const seen = new Set<string>()
  for (let i = 0; i < 5000; i++) {
    const size = [12, 16, 32, 33, 5000][i % 5] ?? 16
    const bytes = randomBytes(size)
    assert.equal(bytes.length, size)
    seen.add(Buffer.from(bytes).toString('hex', 0, 12))
  }
  assert.equal(seen.size, 5000)
})

test('random bytes that were handed out stay with their owner', () => {
  const { randomBytes } = systemTools('error', () => {})
  const mine = randomBytes(16)
  const copy = Buffer.from(mine)
  for (let i = 0; i < 1000; i++) randomBytes(16)
  assert.deepEqual(Buffer.from(mine), copy)
  assert.equal(mine.buffer.byteLength, 16)
})
