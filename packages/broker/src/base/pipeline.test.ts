import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPipeline } from './pipeline.ts'

test('a connection runs a few requests, lets some wait, and is closed for more', async () => {
  const enter = openPipeline({ atOnce: 2, waiting: 1 })
  const [one, other] = [{}, {}]
  const ends: (() => void)[] = []
  const run = () => new Promise<void>((resolve) => ends.push(resolve))
  assert.deepEqual([enter(one, run), enter(one, run), enter(one, run)], [true, true, true])
  assert.equal(ends.length, 2)
  assert.equal(enter(other, run), true)
  assert.equal(ends.length, 3)
  ends[0]?.()
  await new Promise(setImmediate)
  assert.equal(ends.length, 4)
  assert.equal(enter(one, run), true)
  assert.equal(enter(one, run), false)
})
