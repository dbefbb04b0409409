import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Frontier, leafHash } from '@mayfly/broker/base/merkle'
import { openPostgresStore } from '@mayfly/broker/store/postgres'
import type { Store } from '@mayfly/broker/store/store'
import pg from 'pg'
import { type CutWire, openCutWire } from '../fakes/cut-wire.ts'
import { type RunningPostgres, startPostgres } from '../fakes/postgres.ts'
import { storeConformance } from './store.ts'
import { append, create, outcomeOf, revoke, sampleLease, spend, tally, texts } from './store-samples.ts'

let server: RunningPostgres | undefined
before(async () => {
  server = await startPostgres()
})
after(() => server?.stop())

async function database(): Promise<string> {
  if (server === undefined) throw new Error('the server did not start')
  return server.createDatabase()
}

storeConformance('postgres', async () => {
  const url = await database()
  let store = await openPostgresStore({ url, now: Date.now })
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await openPostgresStore({ url, now: Date.now })
      return store
    },
    remove: () => store.close(),
  }
})

test('postgres: brokers that start at once on an empty database share one schema', async () => {
  const url = await database()
  const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgresStore({ url, now: Date.now })))
  await Promise.all(stores.map((store, i) => store.commit([append(`broker ${i}`)])))
  for (const store of stores) assert.equal((await store.head()).size, 4)
  await Promise.all(stores.map((store) => store.close()))
})

test('postgres: two brokers on one database never both win, and their log is one', async () => {
  const url = await database()
  const stores = [
    await openPostgresStore({ url, now: Date.now }),
    await openPostgresStore({ url, now: Date.now }),
  ]
  const job = { issuer: 'github', id: '7' }
  const commits = Array.from({ length: 400 }, (_, i) =>
    stores.map((store, broker) =>
      store.commit([
        spend(`token ${i}`),
        create(sampleLease(`ls_${broker}_${i}`, { job: { ...job, id: `${i % 10}` } }), 5),
        append(`broker ${broker} ${i}`),
      ]),
    ),
  )
  const counts = await tally(commits.flat())
  assert.equal(counts['made'], 50)
  const [one, other] = stores
  assert.ok(one !== undefined && other !== undefined)
  await one.commit([revoke((await other.leases({ limit: 1 }))[0]?.id ?? '')])
  assert.equal((await other.leases({ states: ['revoked'], limit: 10 })).length, 1)
  const frontier = new Frontier()
  for (const [i, entry] of (await one.entries(0, 1_000)).entries()) {
    assert.equal(entry.index, i)
    frontier.append(leafHash(entry.bytes))
  }
  for (const store of stores) assert.deepEqual(await store.head(), { size: 50, root: frontier.root() })
  await Promise.all(stores.map((store) => store.close()))
})

test('postgres: a restart of the server is not noticed by the next call', async () => {
  const url = await database()
  const store = await openPostgresStore({ url, now: Date.now })
  await store.commit([create(sampleLease('ls_1'))])
  await server?.restart()
  assert.equal((await store.lease('ls_1'))?.state, 'active')
  await store.commit([revoke('ls_1')])
  assert.equal((await store.lease('ls_1'))?.state, 'revoked')
  await store.close()
})

test('postgres: whatever was reported as committed is there after the server crashed', async () => {
  const url = await database()
  const store = await openPostgresStore({ url, now: Date.now })
  const made: number[] = []
  let next = 0
  let crashed = false
  const client = async () => {
    while (!crashed) {
      const mine = next++
      await store.commit([spend(`token ${mine}`), append(`${mine}`)]).then(
        () => made.push(mine),
        (thrown: unknown) => assert.equal((thrown as { code?: string }).code, 'provider_unavailable'),
      )
      if (made.length > 500 && !crashed) {
        crashed = true
        await server?.kill()
      }
    }
  }
  await Promise.all(Array.from({ length: 32 }, client))
  await assert.rejects(store.ping(), { code: 'provider_unavailable' })
  await assert.rejects(store.commit([append('down')]), { code: 'provider_unavailable' })
  await server?.start()
  await store.ping()
  const kept = new Set(await texts(store))
  assert.deepEqual(
    made.filter((each) => !kept.has(`${each}`)),
    [],
  )
  await store.commit([append('up again')])
  const head = await store.head()
  assert.equal(head.size, kept.size + 1)
  await store.close()
})

test('postgres: a database of before gets its table of static secrets with the next start', async () => {
  const url = await database()
  await (await openPostgresStore({ url, now: Date.now })).close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('DROP TABLE mayfly.secret')
  await client.end()
  const stores = await Promise.all([1, 2].map(() => openPostgresStore({ url, now: Date.now })))
  for (const store of stores) assert.deepEqual(await store.secrets(), [])
  await Promise.all(stores.map((store) => store.close()))
})

test('postgres: who looks for pending leases does not walk those that live', async () => {
  const url = await database()
  const store = await openPostgresStore({ url, now: Date.now })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  // As a database of before has it: the index comes with the next start.
  await client.query('DROP INDEX mayfly.lease_rare')
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => store.commit([create(sampleLease(`ls_${i}`))])))
  await store.commit([create(sampleLease('ls_pending', { state: 'pending' }))])
  await store.close()
  // Also where the server plans without looking at the values.
  const generic = new URL(url)
  generic.searchParams.set('options', '-c plan_cache_mode=force_generic_plan')
  const again = await openPostgresStore({ url: generic.href, now: Date.now })
  for (const states of [['pending'], ['stuck'], ['pending', 'stuck']] as const) {
    const found = await again.leases({ states, limit: 100 })
    assert.equal(found.length, states[0] === 'pending' ? 1 : 0)
  }
  await again.close()
  const read = async () => {
    const { rows } = await client.query<{ rare: number; all: number }>(
      `SELECT coalesce(sum(idx_scan) FILTER (WHERE indexrelname = 'lease_rare'), 0)::int AS rare,
              coalesce(sum(idx_tup_read) FILTER (WHERE indexrelname <> 'lease_pkey'), 0)::int AS all
       FROM pg_stat_user_indexes WHERE relname = 'lease'`,
    )
    return rows[0] ?? { rare: 0, all: 0 }
  }
  // The server counts when a connection ends, a little after it was told to.
  const until = Date.now() + 10_000
  let counted = await read()
  while (counted.rare < 3 && Date.now() < until) counted = await read()
  assert.equal(counted.rare, 3)
  assert.ok(counted.all < 10, `${counted.all} rows were read`)
  await client.end()
})

test('postgres: a database of a newer Mayfly is refused', async () => {
  const url = await database()
  await (await openPostgresStore({ url, now: Date.now })).close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('UPDATE mayfly.version SET version = 99')
  await client.end()
  await assert.rejects(openPostgresStore({ url, now: Date.now }), /schema 99/)
})

test('postgres: a broker whose clock is not the one of the database does not start, or is not ready', async () => {
  const url = await database()
  let ahead = 0
  const now = () => Date.now() + ahead
  const store = await openPostgresStore({ url, now })
  for (const [seconds, fits] of [
    [20, true],
    [-20, true],
    [45, false],
    [-45, false],
  ] as const) {
    ahead = seconds * 1000
    const failure = { code: 'provider_unavailable', reason: /clocks .* 4[456] seconds apart/ }
    if (fits) await store.ping()
    else {
      await assert.rejects(store.ping(), failure)
      await assert.rejects(openPostgresStore({ url, now }), failure)
    }
  }
  await store.close()
})

test('postgres: a session that holds the row of the tree is noticed, and commits do not wait long', async () => {
  const url = await database()
  const store = await openPostgresStore({ url, now: Date.now })
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await other.query('BEGIN; SELECT 1 FROM mayfly.tree FOR UPDATE')
  const started = performance.now()
  await Promise.all([
    assert.rejects(store.ping(), { code: 'provider_unavailable' }),
    assert.rejects(store.commit([append('held')]), { code: 'provider_unavailable' }),
  ])
  assert.ok(performance.now() - started < 8_000)
  await other.end()
  await store.ping()
  await store.commit([append('free')])
  assert.deepEqual(await texts(store), ['free'])
  await store.close()
})

test('postgres: a connection that turns out to be dead is replaced, and the call is made', async () => {
  await onWire(async (store, wire) => {
    await store.commit([create(sampleLease('ls_1'))])
    await store.lease('ls_1')
    wire.cutNext(1)
    assert.equal((await store.lease('ls_1'))?.state, 'active')
    wire.cutNext(1)
    await store.commit([revoke('ls_1'), append('entry')])
    assert.equal((await store.lease('ls_1'))?.state, 'revoked')
    assert.deepEqual(await texts(store), ['entry'])
  })
})

test('postgres: a commit whose answer was lost is never reported as made', async () => {
  await onWire(async (store, wire) => {
    await store.commit([append('first')])
    // With the byte that ends it: the first statement says `READ COMMITTED`.
    wire.cutAfter('COMMIT\u0000')
    const lost = [spend('token'), append('lost')]
    await assert.rejects(store.commit(lost), { name: 'Failure', code: 'provider_unavailable' })
    await store.commit([append('last')])
    // Made or not is open; made in part or twice is not.
    const spent = (await outcomeOf(store.commit([spend('token')]))) === 'spent'
    assert.deepEqual(await texts(store), spent ? ['first', 'lost', 'last'] : ['first', 'last'])
  })
})

async function onWire(run: (store: Store, wire: CutWire) => Promise<void>): Promise<void> {
  const url = new URL(await database())
  const wire = await openCutWire(url.hostname, Number(url.port))
  url.port = `${wire.port}`
  const store = await openPostgresStore({ url: url.href, now: Date.now })
  try {
    await run(store, wire)
  } finally {
    await store.close()
    await wire.close()
  }
}
