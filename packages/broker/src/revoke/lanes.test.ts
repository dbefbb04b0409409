import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { Failure } from '../base/failure.ts'
import { openLanes } from './lanes.ts'

const away = async () => {
  throw new Failure('provider_unavailable', { reason: 'away' })
}

test('a place that hangs keeps no other place waiting, and takes eight at once', async () => {
  const lanes = openLanes(fakeTools())
  let release = () => {}
  const hanging = new Promise<void>((resolve) => {
    release = resolve
  })
  let [running, most, done] = [0, 0, 0]
  const slow = Array.from({ length: 30 }, () =>
    lanes.run('slow', async () => {
      most = Math.max(most, ++running)
      await hanging
      running--
      done++
    }),
  )
  assert.equal(await lanes.run('quick', async () => 'done'), 'done')
  assert.equal(done, 0)
  release()
  await Promise.all(slow)
  assert.deepEqual([most, done], [8, 30])
})

test('a place that was silent three times is left alone for a while; then one goes ahead', async () => {
  const tools = fakeTools()
  const lanes = openLanes(tools)
  let calls = 0
  const fail = () =>
    lanes.run('db', () => {
      calls++
      // However many wait at once, each has waited for so long.
      if (calls <= 8) tools.advance(1_000)
      return away()
    })
  const all = await Promise.allSettled(Array.from({ length: 40 }, fail))
  assert.ok(all.every(({ status }) => status === 'rejected'))
  assert.equal(calls, 8)
  await assert.rejects(fail, /paused/)
  assert.equal(calls, 8)
  tools.advance(5_001)
  let release = () => {}
  const probe = lanes.run('db', () => new Promise<void>((resolve) => (release = resolve)))
  await assert.rejects(fail, /paused/)
  release()
  await probe
  assert.equal(await lanes.run('db', async () => 'well'), 'well')
})

test('a place that fails at once is asked every time: what it said of one credential says nothing of the next', async () => {
  const lanes = openLanes(fakeTools())
  for (let i = 0; i < 10; i++) await assert.rejects(lanes.run('db', away), /away/)
  assert.equal(await lanes.run('db', async () => 'well'), 'well')
})

test('a place that refuses one thing answers, and is not paused', async () => {
  const lanes = openLanes(fakeTools())
  const refuse = () =>
    lanes.run('db', async () => {
      throw new Failure('target_refused', { reason: 'no' })
    })
  for (let i = 0; i < 10; i++) await assert.rejects(refuse, { code: 'target_refused' })
})
