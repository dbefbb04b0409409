import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeTools, fakeTools } from '../../../../test/fakes/clock.ts'
import { newStore, open } from '../../test/keys.ts'
import type { Store } from '../store/store.ts'

/** A store that counts how often keys are read, and can be made to fail. */
function watched(store: Store) {
  const seen = { reads: 0, fails: false }
  const parts: Pick<Store, 'keys' | 'commit'> = {
    keys: async (purpose) => {
      seen.reads += 1
      if (seen.fails) throw new Error('the database is away')
      return await store.keys(purpose)
    },
    commit: (changes) => store.commit(changes),
  }
  return { seen, parts }
}

test('a flood of unknown kids reads the store once a second', async () => {
  const { seen, parts } = watched(await newStore())
  const tools = fakeTools()
  const keys = await open(parts, tools)
  const before = seen.reads
  for (let i = 0; i < 50; i++) assert.equal(await keys.publicKeyOrRefresh(`kid-${i}`), undefined)
  await Promise.all(Array.from({ length: 50 }, (_, i) => keys.publicKeyOrRefresh(`other-${i}`)))
  assert.equal(seen.reads - before, 1)
  tools.advance(1000)
  await Promise.all(Array.from({ length: 50 }, (_, i) => keys.publicKeyOrRefresh(`third-${i}`)))
  assert.equal(seen.reads - before, 2)
})

test('a key that another broker made is found on first sight', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const [one, other] = [await open(store, tools), await open(store, tools)]
  const { kid } = await one.rotate('operator')
  assert.equal(other.publicKey(kid), undefined)
  assert.ok(await other.publicKeyOrRefresh(kid))
})

test('a broker that cannot read the keys stops signing before a successor could sign', async () => {
  const { seen, parts } = watched(await newStore())
  const tools = fakeTools()
  const keys = await open(parts, tools)
  seen.fails = true
  await assert.rejects(keys.refresh())
  tools.advance(300_000)
  keys.signer()
  tools.advance(100_000)
  assert.throws(() => keys.signer(), { code: 'provider_unavailable' })
  seen.fails = false
  await keys.refresh()
  keys.signer()
})

async function settled(tools: FakeTools): Promise<void> {
  while (tools.waiting() === 0) await new Promise((resolve) => setImmediate(resolve))
}

test('the timer reads the store, survives its failure and ends with close', async () => {
  const { seen, parts } = watched(await newStore())
  const tools = fakeTools()
  const keys = await open(parts, tools)
  for (const fails of [true, false]) {
    seen.fails = fails
    const before = seen.reads
    tools.advance(10_000)
    await settled(tools)
    assert.equal(seen.reads, before + 1)
  }
  await keys.close()
  assert.equal(tools.waiting(), 0)
})
