import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { MemoryLog, newLogSigner } from '../../../../test/fakes/log.ts'
import { leafHash } from '../base/merkle.ts'
import { verifyConsistency, verifyInclusion } from '../base/merkle-verify.ts'
import { openCheckpoint } from './checkpoint.ts'
import { openLog } from './log.ts'
import { parseVerifierKey } from './note.ts'

const origin = 'broker.example/log'

/** A log on a clock that only moves when told. */
function open(store: MemoryLog, signer = newLogSigner(), name = origin) {
  const clock = fakeTools()
  const log = openLog({ store, signer, origin: name, tools: clock, intervalMs: 1_000 })
  const read = async () => openCheckpoint(await log.checkpoint(), [parseVerifierKey(log.verifierKey)])
  return { log, clock, signer, read }
}

test('the signed head is that of the log, and is kept before anybody sees it', async () => {
  const store = new MemoryLog('a', 'b', 'c')
  const { log, read } = open(store)
  const { size, root } = await read()
  assert.deepEqual({ size, root: Buffer.from(root) }, await store.head())
  assert.equal(store.signed?.note, await log.checkpoint())
  assert.equal(store.signed?.size, 3)
})

test('a head is signed again only when it is old and there are newer entries', async () => {
  const store = new MemoryLog('a')
  const { clock, read } = open(store)
  assert.equal((await read()).size, 1)
  store.add('b')
  assert.equal((await read()).size, 1)
  clock.advance(1_000)
  assert.equal((await read()).size, 2)
  const { note } = { ...store.signed }
  clock.advance(5_000)
  await read()
  assert.equal(store.signed?.note, note)
})

test('the clock signs without being asked, and closing signs the rest and stops', async () => {
  const store = new MemoryLog('a')
  const { log, clock } = open(store)
  clock.advance(1_000)
  while (clock.waiting() === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(store.signed?.size, 1)
  store.add('b', 'c')
  await log.close()
  await log.close()
  assert.equal(store.signed?.size, 3)
  assert.equal(clock.waiting(), 0)
})

test('proofs of the log verify against its signed heads', async () => {
  const store = new MemoryLog(...Array.from({ length: 300 }, (_, i) => `entry ${i}`))
  const { log, read, clock } = open(store)
  const first = await read()
  store.add(...Array.from({ length: 500 }, (_, i) => `later ${i}`))
  clock.advance(1_000)
  const second = await read()
  assert.ok(verifyConsistency(first, second, await log.consistency(first.size, second.size)))
  const [entry] = await log.entries(123, 1)
  const leaf = leafHash(entry?.bytes ?? new Uint8Array())
  assert.ok(verifyInclusion({ leaf, index: 123, ...first }, await log.inclusion(123, first.size)))
  assert.ok(verifyInclusion({ leaf, index: 123, ...second }, await log.inclusion(123, second.size)))
})

test('a place outside of the log is refused as malformed', async () => {
  const { log } = open(new MemoryLog('a', 'b'))
  const malformed = { name: 'Failure', code: 'request_malformed' }
  for (const [index, size] of [
    [0, 3],
    [2, 2],
    [-1, 2],
    [0.5, 2],
    [Number.NaN, 2],
    [0, 0],
  ] as const) {
    await assert.rejects(log.inclusion(index, size), malformed)
  }
  for (const [first, second] of [
    [0, 3],
    [2, 1],
    [-1, 2],
    [0, 1.5],
  ] as const) {
    await assert.rejects(log.consistency(first, second), malformed)
  }
})

test('a log that was rewritten is never signed, neither at once nor after a new start', async () => {
  const store = new MemoryLog('a', 'b', 'c')
  const { signer, read, clock, log } = open(store)
  await read()
  const forged = new MemoryLog('a', 'B', 'c', 'd')
  Object.assign(store, { kept: forged.kept, hashed: forged.hashed, tree: forged.tree })
  clock.advance(1_000)
  await assert.rejects(log.checkpoint(), /does not extend/)
  await assert.rejects(open(store, signer).log.checkpoint(), /does not extend/)
  assert.equal(store.signed?.size, 3)
})

test('a log that was cut is never signed, also when the kept head was removed with it', async () => {
  const store = new MemoryLog('a', 'b', 'c')
  const { read, clock, log } = open(store)
  await read()
  const cut = new MemoryLog('a', 'b')
  Object.assign(store, { kept: cut.kept, hashed: cut.hashed, tree: cut.tree, signed: undefined })
  clock.advance(1_000)
  await assert.rejects(log.checkpoint(), /does not extend/)
})

test('a kept head that we did not sign stops the signing', async () => {
  const store = new MemoryLog('a', 'b')
  await open(store).read()
  await assert.rejects(open(store).log.checkpoint(), /not one of ours/)
})

test('a broker that was renamed goes on with its log under the new name', async () => {
  const store = new MemoryLog('a', 'b')
  const signer = newLogSigner()
  await open(store, signer).read()
  const renamed = open(store, { ...signer, keyName: 'new.example/log' }, 'new.example/log')
  assert.equal((await renamed.read()).origin, 'new.example/log')
})
