import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type FakeTools, fakeTools } from '../../../../test/fakes/clock.ts'
import { Secret } from '../base/secret.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Change, KeyRecord, Store } from '../store/store.ts'
import type { PublishedKey } from './key-ring.ts'
import { type Keys, openKeys } from './keys.ts'
import { openLogKey } from './log-key.ts'
import { openSeal } from './seal.ts'

const folder = mkdtempSync(join(tmpdir(), 'keys-'))
const stores: Store[] = []
after(async () => {
  await Promise.all(stores.map((store) => store.close()))
  rmSync(folder, { recursive: true })
})

async function newStore(): Promise<Store> {
  const store = await openSqliteStore({ path: join(folder, `${stores.length}.db`) })
  stores.push(store)
  return store
}

const master = new Secret(randomBytes(32).toString('hex'))
const seal = openSeal(master, { randomBytes })
const hour = 3600
const maxToken = 900
const cache = 300

const record = (event: AuditEvent): Change => ({
  kind: 'append',
  entry: new TextEncoder().encode(JSON.stringify(event)),
})

async function events(store: Store): Promise<Record<string, unknown>[]> {
  const entries = await store.entries(0, 1000)
  return entries.map((entry) => JSON.parse(new TextDecoder().decode(entry.bytes)) as Record<string, unknown>)
}

function open(
  store: Pick<Store, 'keys' | 'commit'>,
  tools: Tools,
  rotateEverySeconds = 24 * hour,
): Promise<Keys> {
  return openKeys({
    store,
    seal,
    tools,
    record,
    purpose: 'token',
    rotateEverySeconds,
    maxTokenSeconds: maxToken,
    cacheSeconds: cache,
  })
}

function verifies(key: PublishedKey | undefined, input: string, signature: Uint8Array): boolean {
  if (key === undefined) return false
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' })
  return verify('sha256', Buffer.from(input), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}

test('the first key signs at once, is published with public members only, and is in the log', async () => {
  const store = await newStore()
  const keys = await open(store, fakeTools())
  const signer = keys.signer()
  const [published, ...more] = keys.jwks().keys
  assert.equal(more.length, 0)
  assert.deepEqual(Object.keys(published ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  assert.equal(published?.kid, signer.kid)
  assert.ok(verifies(published, 'a.b', signer.sign('a.b')))
  assert.deepEqual(
    (await events(store)).map((event) => [event['type'], event['kid']]),
    [['key.created', signer.kid]],
  )
  const [kept] = await store.keys('token')
  assert.ok(kept !== undefined && !/"d"/.test(kept.publicJwk))
})

test('two brokers that start at once end with one key', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const all = await Promise.all([open(store, tools), open(store, tools), open(store, tools)])
  assert.equal(new Set(all.map((keys) => keys.signer().kid)).size, 1)
  assert.equal((await store.keys('token')).length, 1)
  assert.equal((await events(store)).length, 1)
})

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
  const tools = fakeTools()
  const meeting = together(store)
  const [one, other] = await Promise.all([open(meeting, tools), open(meeting, tools)])
  assert.equal(one.signer().kid, other.signer().kid)
  const [first, second] = await Promise.all([one.rotate('a'), other.rotate('b')])
  assert.deepEqual(first, second)
  assert.equal((await store.keys('token')).length, 2)
  assert.equal((await events(store)).filter((event) => event['type'] === 'key.created').length, 2)
})

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

test('a start with another master key says what is wrong', async () => {
  const store = await newStore()
  await open(store, fakeTools())
  const other = openSeal(new Secret(randomBytes(32).toString('hex')), { randomBytes })
  const parts = { store, tools: fakeTools(), record, purpose: 'token', rotateEverySeconds: 86_400 } as const
  await assert.rejects(openKeys({ ...parts, seal: other, maxTokenSeconds: maxToken, cacheSeconds: cache }), {
    detail: /keys.encryption/,
  })
})

test('a row that somebody wrote into the database is never published', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const honest = await open(store, tools)
  const [kept] = await store.keys('token')
  assert.ok(kept)
  const forged: KeyRecord[] = [
    { ...kept, kid: 'mine' },
    { ...kept, purpose: 'log' },
    { ...kept, publicJwk: '{"kty":"EC","crv":"P-256","x":"mine","y":"mine"}' },
  ]
  const [first, second, third] = forged.map((row) => ({ commit: store.commit, keys: async () => [row] }))
  assert.ok(first && second && third)
  await assert.rejects(open(first, tools), { code: 'internal' })
  await assert.rejects(open(second, tools), { code: 'internal' })
  assert.deepEqual((await open(third, tools)).jwks(), honest.jwks())
})

test("the log's key is made once, and signs as Ed25519", async () => {
  const store = await newStore()
  const parts = { store, seal, tools: fakeTools(), record, keyName: 'mayfly.example.com' }
  const [one, other] = await Promise.all([openLogKey(parts), openLogKey(parts)])
  assert.equal(one.publicKey.length, 32)
  assert.deepEqual(one.publicKey, other.publicKey)
  assert.deepEqual((await openLogKey(parts)).publicKey, one.publicKey)
  const x = Buffer.from(one.publicKey).toString('base64url')
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const message = new TextEncoder().encode('mayfly.example.com\n7\n')
  assert.ok(verify(null, message, publicKey, other.sign(message)))
  assert.equal((await events(store)).length, 1)
  for (const keyName of ['', 'two words', 'a+b']) await assert.rejects(openLogKey({ ...parts, keyName }))
})
