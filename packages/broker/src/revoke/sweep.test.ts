import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { endsIn, openWorld } from '../../test/leases.ts'
import { type Log, silent } from '../base/tools.ts'
import type { Lease } from '../domain.ts'
import { inParallel } from './parallel.ts'
import { openSweep, type SweepParts } from './sweep.ts'

test('a lease expires when its time is over and not a second before', async () => {
  const { sweep, tools, lease, state, events, provider } = await openWorld()
  const [one, other] = [await lease(), await lease({ kind: 'database' })]
  tools.advance(600_000)
  await sweep.round()
  assert.deepEqual([await state(one), await state(other)], ['active', 'active'])
  tools.advance(1_000)
  const done = await sweep.round()
  assert.equal(done.expired, 2)
  assert.deepEqual([await state(one), await state(other)], ['expired', 'expired'])
  assert.equal(provider.live.size, 0)
  assert.deepEqual(endsIn(await events()), ['expired by expired', 'expired by expired'])
})

test('a lease that a crash left pending is taken back after two minutes', async () => {
  const { sweep, tools, lease, state, events, provider } = await openWorld()
  const one = await lease({ kind: 'database', state: 'pending' })
  tools.advance(120_000)
  await sweep.round()
  assert.equal(await state(one), 'pending')
  tools.advance(1_000)
  await sweep.round()
  assert.equal(await state(one), 'revoked')
  assert.equal(provider.live.size, 0)
  assert.deepEqual(endsIn(await events()), ['revoked by failed'])
})

test('brokers that sweep the same store at once write one end each', async () => {
  const world = await openWorld()
  for (let i = 0; i < 30; i++) await world.lease({ kind: i % 2 === 0 ? 'token' : 'database' })
  world.tools.advance(700_000)
  const tools = { ...world.tools, after: () => () => {} }
  const sweeps = [world.sweep, ...[1, 2].map(() => openSweep({ ...world, tools }))]
  await Promise.all(sweeps.map((sweep) => sweep.round()))
  await Promise.all(sweeps.map((sweep) => sweep.round()))
  assert.deepEqual(endsIn(await world.events()), Array(30).fill('expired by expired'))
  assert.equal(world.provider.live.size, 0)
})

test('ended leases, spent tokens and ended jobs are forgotten in time, live ones never', async () => {
  const { sweep, tools, lease, store, revoke } = await openWorld()
  const [ended, stuck] = [await lease(), await lease({ kind: 'gone' })]
  await revoke.endLease(ended, 'caller')
  await revoke.endLease(stuck, 'caller')
  await store.commit([{ kind: 'spend', key: 'k', until: tools.now() / 1000 + 900 }])
  tools.advance(29 * 86_400_000)
  await sweep.round()
  await store.commit([{ kind: 'spend', key: 'k', until: tools.now() / 1000 + 900 }])
  assert.ok(await store.lease(ended.id))
  tools.advance(2 * 86_400_000)
  await sweep.round()
  assert.equal(await store.lease(ended.id), undefined)
  assert.ok(await store.lease(stuck.id))
})

test('a broker whose clock is a quarter of an hour ahead forgets nothing that the others may still need', async () => {
  const { sweep, tools, store } = await openWorld()
  const job = { issuer: 'github', id: '1' }
  const until = tools.now() / 1000 + 60
  await store.commit([
    { kind: 'spend', key: 'k', until },
    { kind: 'job.end', job, until },
  ])
  tools.advance((60 + 900) * 1000)
  assert.equal((await sweep.round()).pruned, 0)
  tools.advance(1_000)
  assert.equal((await sweep.round()).pruned, 2)
})

function leaseNamed(id: string): Lease {
  const nothing = { grants: [], scopes: [], handle: new Uint8Array(), createdAt: 0, expiresAt: 0 }
  return { id, state: 'stuck', target: 't', kind: 'k', issuer: 'i', subject: 's', ...nothing }
}

/** A sweep whose store answers as told. */
function staged(over: Partial<SweepParts['store']> = {}, revoke: Partial<SweepParts['revoke']> = {}) {
  const errors: string[] = []
  const log: Log = { ...silent, error: (message) => void errors.push(message) }
  const tools = fakeTools(undefined, log)
  const seen = { rounds: 0 }
  const sweep = openSweep({
    tools,
    batch: 3,
    store: {
      dueLeases: async () => {
        seen.rounds += 1
        return []
      },
      leases: async () => [],
      prune: async () => 0,
      ...over,
    },
    revoke: { endLease: async () => 'ended', retry: async () => 'stuck', ...revoke },
  })
  return { sweep, tools, seen, errors }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

test('rounds come by the timer, and none after close', async () => {
  const { sweep, tools, seen } = staged()
  for (const round of [1, 2, 3]) {
    tools.advance(5_000)
    await until(() => tools.waiting() === 1)
    assert.equal(seen.rounds, round)
  }
  await sweep.close()
  assert.equal(tools.waiting(), 0)
})

test('rounds never overlap, and close waits for the one that runs', async () => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  let pruning = 0
  const { sweep, tools, seen } = staged({
    prune: async () => {
      pruning += 1
      await gate
      return 0
    },
  })
  tools.advance(5_000)
  const joined = sweep.round()
  await until(() => pruning === 1)
  tools.advance(60_000)
  let closed = false
  const closing = sweep.close().then(() => {
    closed = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(closed, false)
  release()
  await Promise.all([joined, closing])
  assert.deepEqual([seen.rounds, pruning, tools.waiting()], [1, 1, 0])
})

test('a round that was full is followed by the next at once', async () => {
  const { tools, sweep } = staged({ prune: async () => 3 })
  tools.advance(5_000)
  await until(() => tools.waiting() === 1)
  tools.advance(50)
  assert.equal(tools.waiting(), 0)
  await sweep.close()
})

test('one step or one lease that fails does not keep the others waiting', async () => {
  const ended: string[] = []
  let pruned = 0
  const { sweep, errors } = staged(
    {
      dueLeases: async () => ['bad', 'good'].map(leaseNamed),
      leases: async () => {
        throw new Error('no such index')
      },
      prune: async () => {
        pruned += 1
        return 1
      },
    },
    {
      endLease: async (lease) => {
        if (lease.id === 'bad') throw new Error('the store is away')
        ended.push(lease.id)
        return 'ended'
      },
    },
  )
  const done = await sweep.round()
  assert.deepEqual([ended, pruned, done.expired, done.pruned], [['good'], 1, 1, 1])
  assert.ok(errors.length >= 3)
})

test('many stuck leases get their turn, page after page', async () => {
  const all = Array.from({ length: 8 }, (_, i) => leaseNamed(`ls_${i}`))
  const tried: string[] = []
  const { sweep } = staged(
    {
      leases: async ({ states, after = '', limit }) =>
        states?.[0] === 'stuck' ? all.filter((lease) => lease.id > after).slice(0, limit) : [],
    },
    {
      retry: async (lease) => {
        tried.push(lease.id)
        return 'stuck'
      },
    },
  )
  for (let i = 0; i < 3; i++) await sweep.round()
  assert.deepEqual(
    tried.toSorted(),
    all.map((lease) => lease.id),
  )
  await sweep.round()
  assert.equal(tried.length, 8, 'nobody is tried again before its pause is over')
})

test('work in parallel keeps to its width, does everything, and passes a failure on at the end', async () => {
  let [running, most, done] = [0, 0, 0]
  const work = async (item: number) => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    done += 1
    if (item === 3) throw new Error('third')
  }
  const items = Array.from({ length: 20 }, (_, i) => i)
  await assert.rejects(inParallel(items, 4, work), /third/)
  assert.deepEqual([most, done, running], [4, 20, 0])
  await inParallel([], 4, work)
})
