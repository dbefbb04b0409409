import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { events, newStore, open } from '../../test/keys.ts'
import { silent } from '../base/tools.ts'
import type { Store } from '../store/store.ts'

test('two brokers that start at once end with one key', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const all = await Promise.all([open(store, tools), open(store, tools), open(store, tools)])
  assert.equal(new Set(all.map((keys) => keys.signer().kid)).size, 1)
  assert.equal((await store.keys('token')).length, 1)
  assert.equal((await events(store)).length, 1)
})

test('two brokers asked to rotate at once make one key', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const [one, other] = await Promise.all([open(store, tools), open(store, tools)])
  const [first, second] = await Promise.all([one.rotate('a'), other.rotate('b')])
  const count = (await store.keys('token')).length
  // They met in the same generation, or one came so late that it saw the other's key already.
  assert.ok(count === 2 ? first.kid === second.kid : count === 3)
  assert.deepEqual(one.jwks().keys.length, count)
})

/** Two reads that both answer before either writes. */
function together(store: Store): Pick<Store, 'keys' | 'commit'> {
  let waiting: (() => void)[] = []
  return {
    keys: (purpose) => store.keys(purpose),
    commit: async (changes) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 2) {
          for (const each of waiting) each()
          waiting = []
        }
      })
      await store.commit(changes)
    },
  }
}

test('of two brokers that make the same generation, one takes the key of the other', async () => {
  const store = await newStore()
  const said: string[] = []
  const tools = fakeTools(undefined, { ...silent, info: (message) => void said.push(message) })
  const meeting = together(store)
  const [one, other] = await Promise.all([open(meeting, tools), open(meeting, tools)])
  assert.equal(one.signer().kid, other.signer().kid)
  const [first, second] = await Promise.all([one.rotate('a'), other.rotate('b')])
  assert.deepEqual(first, second)
  assert.equal((await store.keys('token')).length, 2)
  assert.equal((await events(store)).filter((event) => event['type'] === 'key.created').length, 2)
  // Only who made it says so.
  assert.deepEqual(said, ['the first key was made', 'the keys were rotated'])
})
