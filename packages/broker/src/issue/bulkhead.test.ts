import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { Failure } from '../base/failure.ts'
import { openBulkhead } from './bulkhead.ts'

const down = () => Promise.reject(new Failure('provider_unavailable'))
const refusing = () => Promise.reject(new Failure('target_refused'))
const fine = () => Promise.resolve('fine')

test('after five failures in a row a connection is paused, and nobody waits for it', async () => {
  const tools = fakeTools()
  const { run } = openBulkhead(tools)
  let tried = 0
  const failing = () => {
    tried++
    return down()
  }
  for (let each = 0; each < 8; each++)
    await assert.rejects(run('a', failing), { code: 'provider_unavailable' })
  assert.equal(tried, 5)
  await assert.rejects(run('a', fine), { reason: /a is paused/ })
  assert.equal(await run('b', fine), 'fine', 'another connection is not concerned')
  tools.advance(10_000)
  assert.equal(await run('a', fine), 'fine')
  for (let each = 0; each < 4; each++)
    await assert.rejects(run('a', failing), { code: 'provider_unavailable' })
  assert.equal(await run('a', fine), 'fine', 'an answer begins the count anew')
})

test('still down after a pause, it is tried once and paused again', async () => {
  const tools = fakeTools()
  const { run } = openBulkhead(tools)
  for (let each = 0; each < 5; each++) await assert.rejects(run('a', down))
  tools.advance(10_000)
  await assert.rejects(run('a', down), { reason: 'provider_unavailable' })
  await assert.rejects(run('a', fine), { reason: /paused/ })
})

test('a refusal is an answer: it pauses nothing', async () => {
  const { run } = openBulkhead(fakeTools())
  for (let each = 0; each < 9; each++) await assert.rejects(run('a', refusing), { code: 'target_refused' })
  assert.equal(await run('a', fine), 'fine')
})

test('a slow connection takes 32 calls and refuses more at once; others go on', async () => {
  const { run } = openBulkhead(fakeTools())
  const slow = Promise.withResolvers<string>()
  const waiting = Array.from({ length: 32 }, () => run('a', () => slow.promise))
  await assert.rejects(run('a', fine), { code: 'provider_unavailable', reason: /has 32 calls running/ })
  assert.equal(await run('b', fine), 'fine')
  slow.resolve('at last')
  assert.equal((await Promise.all(waiting)).length, 32)
  assert.equal(await run('a', fine), 'fine')
})
