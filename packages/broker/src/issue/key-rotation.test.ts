import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { cache, events, hour, maxToken, newStore, open } from '../../test/keys.ts'
import { silent } from '../base/tools.ts'
import type { PublishedKey } from './key-ring.ts'

/** Three brokers with clocks apart, for days, one of them asked to rotate on the way. */
async function walk(rotateEvery: number, days: number) {
  const store = await newStore()
  const tools = fakeTools()
  const skews = [0, 25_000, -25_000]
  const brokers = await Promise.all(
    skews.map((skew) => open(store, { ...tools, now: () => tools.now() + skew }, rotateEvery)),
  )
  const step = 60
  const rounds = (days * 86_400) / step
  /** What a reader may hold: every broker's answer of the last `cache` seconds. */
  const copies: { at: number; keys: readonly PublishedKey[] }[] = []
  const signed: { at: number; kid: string }[] = []
  const kids = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    const at = round * step
    // Each broker reads every 10 s in life; here one of the three sleeps through a minute now and then.
    for (const [i, keys] of brokers.entries()) if ((round + i) % 7 !== 0) await keys.turn()
    if (round === Math.floor(rounds / 3)) await brokers[1]?.rotate('operator')
    for (const keys of brokers) copies.push({ at, keys: keys.jwks().keys })
    while ((copies[0]?.at ?? at) < at - cache) copies.shift()
    while ((signed[0]?.at ?? at) < at - maxToken) signed.shift()
    for (const keys of brokers) {
      const { kid } = keys.signer()
      kids.add(kid)
      signed.push({ at, kid })
      for (const other of brokers) assert.ok(other.publicKey(kid), `${kid} is unknown to a broker at ${at}`)
    }
    for (const kid of new Set(signed.map((each) => each.kid)))
      for (const copy of copies)
        assert.ok(
          copy.keys.some((key) => key.kid === kid),
          `a reader with the keys of ${copy.at} meets ${kid} at ${at}`,
        )
    tools.advance(step * 1000)
  }
  return { brokers, kids, store }
}

test('a token verifies at every moment of its life with whatever copy of the keys a reader may hold', async () => {
  const { brokers, kids, store } = await walk(24 * hour, 5)
  // Day 0, the operator's, and about one a day after that.
  assert.ok(kids.size >= 4 && kids.size <= 6, `${kids.size} keys have signed`)
  const last = brokers[0]
  assert.ok((last?.jwks().keys.length ?? 9) <= 2)
  const states = last?.list().map((key) => key.state) ?? []
  assert.equal(states.filter((state) => state === 'signing').length, 1)
  assert.ok(states.includes('gone'))
  const generations = (await store.keys('token')).map((key) => key.generation)
  assert.deepEqual(
    generations,
    generations.toSorted((a, b) => a - b),
  )
  const log = await events(store)
  assert.equal(log.filter((event) => event['type'] === 'key.created').length, generations.length)
  assert.ok(log.some((event) => event['type'] === 'key.retired' && event['by'] === 'operator'))
})

test('the same holds when keys change every hour', async () => {
  const { kids } = await walk(hour, 1)
  assert.ok(kids.size >= 23, `${kids.size} keys have signed`)
})

test('a rotation that was asked for publishes first and signs minutes later', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const keys = await open(store, tools)
  const before = keys.signer().kid
  const next = await keys.rotate('operator')
  assert.notEqual(next.kid, before)
  assert.equal(keys.signer().kid, before)
  assert.equal(keys.jwks().keys.length, 2)
  const wait = next.signsFrom - tools.now() / 1000
  assert.ok(wait > cache && wait < 2 * cache)
  tools.advance((wait - 1) * 1000)
  await keys.turn()
  assert.equal(keys.signer().kid, before)
  tools.advance(1000)
  assert.equal(keys.signer().kid, next.kid)
  assert.ok(keys.publicKey(before))
  tools.advance((maxToken + 60 + cache) * 1000)
  await keys.turn()
  assert.equal(keys.publicKey(before), undefined)
  assert.deepEqual(
    keys.jwks().keys.map((key) => key.kid),
    [next.kid],
  )
})

test('who rotated is in the log, once, and by the one broker that did it', async () => {
  const said: [string, unknown][] = []
  const info = (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void said.push([message, fields['kid']])
  const store = await newStore()
  const tools = fakeTools(undefined, { ...silent, info })
  const [one, other] = [await open(store, tools), await open(store, tools)]
  const first = one.signer().kid
  const { kid } = await one.rotate('operator')
  await other.turn()
  assert.deepEqual(said, [
    ['the first key was made', first],
    ['the keys were rotated', kid],
  ])
})
