import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsIn, job, openWorld, type World } from '../../test/leases.ts'
import { newId } from '../base/id.ts'
import { Secret } from '../base/secret.ts'
import { openExchange } from '../exchange.ts'
import type { Target } from '../issue/target.ts'
import { openRevoke } from './revoke.ts'

test('a token ends in one step, once, whoever asks and how often', async () => {
  const { revoke, lease, state, events, store } = await openWorld()
  const one = await lease()
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => revoke.endLease(one, 'caller', 'post step')),
  )
  assert.equal(answers.filter((answer) => answer === 'ended').length, 1)
  assert.equal(answers.filter((answer) => answer === 'already').length, 19)
  assert.equal(await state(one), 'revoked')
  assert.deepEqual(endsIn(await events()), ['revoked by caller'])
  const kept = await store.lease(one.id)
  assert.equal(kept?.endedBy, 'caller')
  assert.equal(kept?.endedAt, 1_790_000_000)
  assert.equal(await revoke.endLease({ ...one, state: 'revoked' }, 'operator'), 'already')
})

test('what goes on working after a lease is in the entry of its end, whatever ended it', async () => {
  const { store, record, tools, lease, events } = await openWorld()
  const fixed: Target = {
    kind: 'fixed',
    local: true,
    prepare: () => null,
    issue: () => Promise.reject(new Error('not here')),
    outlives: (handle) => `it goes on ${String(handle)}`,
  }
  let opens = true
  const openHandle = () => {
    if (!opens) throw new Error('another master key')
    return 'until noon'
  }
  const revoke = openRevoke({ store, target: () => fixed, openHandle, record, tools })
  const fresh = () => lease({ kind: 'fixed', job: { issuer: 'github', id: newId('ls', tools) } })
  await revoke.endLease(await fresh(), 'operator', 'a drill')
  await revoke.endLease(await fresh(), 'expired')
  const ofJob = await fresh()
  if (ofJob.job !== undefined) await revoke.endJob(ofJob.job, 'webhook')
  await revoke.abandon(await fresh())
  opens = false
  await revoke.endLease(await fresh(), 'caller')
  const details = (await events()).flatMap((event) => (event.type === 'lease.ended' ? [event.detail] : []))
  assert.deepEqual(details, [
    'a drill; it goes on until noon',
    'it goes on until noon',
    'it goes on until noon',
    undefined,
    'it may go on working where it was made',
  ])
})

test('what was made elsewhere is taken back there before the lease is over', async () => {
  const { revoke, lease, state, events, provider } = await openWorld()
  const one = await lease({ kind: 'database' })
  const answers = await Promise.all([revoke.endLease(one, 'caller'), revoke.endLease(one, 'operator')])
  assert.deepEqual(answers.toSorted(), ['already', 'ended'])
  assert.equal(provider.live.size, 0)
  assert.equal(await state(one), 'revoked')
  assert.equal(endsIn(await events()).length, 1)
})

test('a provider that is away leaves a stuck lease with an entry and after minutes an alarm, and the sweep frees it with growing pauses', async () => {
  const { revoke, sweep, tools, lease, state, events, provider } = await openWorld()
  const one = await lease({ kind: 'database' })
  provider.away = true
  assert.equal(await revoke.endLease(one, 'caller'), 'stuck')
  assert.equal(await state(one), 'stuck')
  for (let i = 0; i < 720; i++) {
    tools.advance(5_000)
    await sweep.round()
  }
  // An hour: at once, after 5, 10, 20 ... seconds, then each quarter of an hour.
  assert.ok(provider.revokes() >= 9 && provider.revokes() <= 13, `${provider.revokes()} tries`)
  const before = await events()
  // One at once, one when it has not passed by itself: not one for each try.
  assert.deepEqual(endsIn(before), ['stuck by caller', 'stuck by caller'])
  assert.ok(before.some((event) => event.type === 'lease.ended' && event.detail === 'the database is away'))
  assert.doesNotMatch(JSON.stringify(before), /hunter2/)
  provider.away = false
  tools.advance(15 * 60_000)
  await sweep.round()
  assert.equal(provider.live.size, 0)
  assert.equal(await state(one), 'revoked')
  assert.deepEqual(endsIn(await events()).slice(1), ['stuck by caller', 'revoked by caller'])
})

test('a provider that never answers is given up after half a minute', async () => {
  const { revoke, tools, lease, state, events, provider } = await openWorld()
  const one = await lease({ kind: 'database' })
  provider.hangs = true
  const ending = revoke.endLease(one, 'caller')
  while (provider.revokes() === 0) await new Promise((resolve) => setImmediate(resolve))
  tools.advance(30_000)
  assert.equal(await ending, 'stuck')
  assert.equal(await state(one), 'stuck')
  assert.deepEqual(endsIn(await events()), ['stuck by caller'])
  assert.equal(tools.waiting(), 0)
  provider.hangs = false
  assert.equal(await revoke.retry({ ...one, state: 'stuck', endedBy: 'caller', createdAt: 0 }), 'ended')
  assert.equal(tools.waiting(), 0, 'no timer is left behind')
})

test('a lease of a kind that is gone is stuck, not forgotten', async () => {
  const { revoke, lease, state, events } = await openWorld()
  const one = await lease({ kind: 'old-cloud' })
  assert.equal(await revoke.endLease(one, 'operator'), 'stuck')
  assert.equal(await state(one), 'stuck')
  assert.match(JSON.stringify(await events()), /no target of kind old-cloud/)
})

test('the end of a job ends its leases and nobody else, and keeps new ones away', async () => {
  const { revoke, lease, state, events, store, provider } = await openWorld()
  const mine = [
    await lease(),
    await lease({ kind: 'database' }),
    await lease({ kind: 'database', state: 'pending' }),
  ]
  const others = [
    await lease({ job: { issuer: 'forge', id: '5551' } }),
    await lease({ job: { issuer: 'github', id: '555', run: '9001/1' } }),
    await lease({ job: { issuer: 'github', run: '9001/1' } }),
  ]
  assert.equal(await revoke.endJob({ issuer: 'github', id: '5551' }, 'test'), 3)
  for (const each of others) assert.equal(await state(each), 'active')
  assert.deepEqual(await Promise.all(mine.map(state)), ['revoked', 'revoked', 'stuck'])
  assert.equal(provider.live.size, 0)
  const [first, ...rest] = await events()
  assert.deepEqual(first?.type === 'job.ended' && [first.job, first.leases], [
    { issuer: 'github', id: '5551' },
    3,
  ])
  assert.deepEqual(endsIn(rest), ['revoked by job_end', 'revoked by job_end'])
  await assert.rejects(lease(), { kind: 'job_ended' })
  assert.equal(await revoke.endJob({ issuer: 'github', id: '5551' }, 'again'), 0)
  assert.equal((await store.leases({ states: ['active'], job, limit: 9 })).length, 1)
  await assert.rejects(revoke.endJob({ issuer: 'github' }, 'test'), { code: 'internal' })
})

test('the end of a run ends all of its leases', async () => {
  const { revoke, lease, state } = await openWorld()
  const [named, unnamed] = [await lease(), await lease({ job: { issuer: 'github', run: '9001/1' } })]
  assert.equal(await revoke.endJob({ issuer: 'github', run: '9001/1' }, 'test'), 2)
  assert.deepEqual([await state(named), await state(unnamed)], ['revoked', 'revoked'])
})

test('a job with more leases than one page ends whole', async () => {
  const { revoke, lease, store } = await openWorld()
  await Promise.all(Array.from({ length: 450 }, () => lease()))
  assert.equal(await revoke.endJob(job, 'test'), 450)
  assert.deepEqual(await store.leases({ states: ['active'], limit: 10 }), [])
})

test('leases that are created while their job ends never survive it', async () => {
  for (let round = 0; round < 10; round++) {
    const { revoke, lease, store } = await openWorld()
    const creating = Array.from({ length: 20 }, async (_, i) => {
      for (let k = 0; k < i; k++) await store.ping()
      return await lease().catch(() => undefined)
    })
    const first = await Promise.race(creating)
    const ending = first === undefined ? undefined : revoke.endLease(first, 'caller')
    await Promise.all([revoke.endJob(job, 'test'), ending, ...creating])
    assert.deepEqual(await store.leases({ states: ['active', 'pending'], limit: 100 }), [])
  }
})

/** The exchange, on the same store and provider, with a lease of kind `database`. */
function exchangeOf(world: World) {
  const principal = {
    issuer: 'github',
    iss: 'https://issuer.example',
    subject: 's',
    claims: {},
    replayUntil: 1_790_001_000,
    job,
  }
  const permission = {
    target: 'orders',
    settings: {},
    grants: ['g'],
    scopes: [],
    seconds: 600,
    policy: 'p',
    terms: { policy: 'p', settings: 's' },
  }
  const exchange = openExchange({
    verify: async () => ({ ...principal, replayKey: newId('rk', world.tools) }),
    decide: () => ({ ...permission, kind: 'database' }),
    target: world.target,
    store: world.store,
    filledIn: (settings) => settings,
    guarded: (_, issue) => issue(),
    leaseToken: async () => new Secret('a token of the lease'),
    sealHandle: () => new Uint8Array(),
    record: (event) => ({ id: 'au', change: world.record(event) }),
    refuse: async (event) => {
      await world.store.commit([world.record(event)])
      return 'au'
    },
    abandon: (lease) => world.revoke.abandon(lease),
    policy: () => 'digest',
    jobLimit: 100,
    tools: world.tools,
  })
  return () => exchange({ subjectToken: new Secret('s'), via: 'test', target: 'orders' })
}

test('a job that ends while its credential is being made keeps nothing of it', async () => {
  for (const moment of ['beforeMaking', 'afterMaking'] as const) {
    const world = await openWorld()
    world.provider[moment] = async () => {
      await world.revoke.endJob(job, 'test')
    }
    await assert.rejects(exchangeOf(world)())
    assert.equal(world.provider.live.size, 0, moment)
    assert.deepEqual(await world.store.leases({ states: ['pending', 'active', 'stuck'], limit: 9 }), [])
    assert.equal(endsIn(await world.events()).length, 1)
  }
})

test('a broker that dies while it makes a credential leaves nothing behind', async () => {
  for (const jobEnds of [false, true]) {
    const world = await openWorld()
    const reached = new Promise<void>((resolve) => {
      world.provider.beforeMaking = () => {
        resolve()
        return new Promise(() => {})
      }
    })
    void exchangeOf(world)()
    await reached
    if (jobEnds) await world.revoke.endJob(job, 'test')
    // It was made after all, by a broker that is no more.
    const [left] = await world.store.leases({ states: ['pending', 'stuck'], limit: 9 })
    assert.ok(left)
    world.provider.beforeMaking = async () => {}
    await world.provider.target.issue({} as Parameters<Target['issue']>[0], { user: left.id })
    await world.sweep.round()
    world.tools.advance(121_000)
    await world.sweep.round()
    assert.equal(world.provider.live.size, 0)
    assert.equal(await world.state(left), 'revoked')
    assert.deepEqual(endsIn(await world.events()), [jobEnds ? 'revoked by job_end' : 'revoked by failed'])
  }
})

test('after a crash between any two steps of an end, the sweep finishes it', async () => {
  for (const kind of ['token', 'database'])
    for (const how of ['lease', 'job'] as const)
      for (let steps = 0; steps < 4; steps++) {
        const world = await openWorld()
        const one = await world.lease({ kind })
        let left = steps
        const dying = openRevoke({
          ...world,
          openHandle: (lease) => ({ user: lease.id }),
          store: {
            lease: (id) => world.store.lease(id),
            leases: (filter) => world.store.leases(filter),
            commit: async (changes) => {
              if (left-- <= 0) throw new Error('the process is gone')
              await world.store.commit(changes)
            },
          },
        })
        await (how === 'job' ? dying.endJob(job, 'test') : dying.endLease(one, 'caller')).catch(() => {})
        if (steps > 0) assert.notEqual(await world.state(one), 'active')
        world.tools.advance(700_000)
        await world.sweep.round()
        assert.ok(['revoked', 'expired'].includes((await world.state(one)) ?? ''), `${kind} ${how} ${steps}`)
        assert.equal(world.provider.live.size, 0)
        assert.equal(endsIn(await world.events()).length, 1)
      }
})

test('an issue that failed is taken back even when its lease had been ended too early', async () => {
  const { revoke, lease, state, provider, store, events } = await openWorld()
  const one = await lease({ kind: 'database', state: 'pending' })
  await store.commit([{ kind: 'lease.move', id: one.id, from: ['pending'], to: 'revoked' }])
  provider.away = true
  await revoke.abandon(one)
  assert.equal(await state(one), 'stuck')
  provider.away = false
  await revoke.abandon(one)
  assert.equal(provider.live.size, 0)
  assert.equal(await state(one), 'revoked')
  assert.deepEqual(endsIn(await events()), ['stuck by failed', 'revoked by failed'])
})

test('what became active between reading and holding is taken back by what issuing learned, not left to the sweep', async () => {
  const { store, record, tools, lease, state } = await openWorld()
  for (const end of ['lease', 'job'] as const) {
    const live = new Set(['the token'])
    const kind = 'learns'
    const learns: Target = {
      ...{ kind, local: false, prepare: () => null },
      issue: () => Promise.reject(new Error('not here')),
      revoke: async (handle) => void live.delete(String(handle)),
    }
    const mine = { issuer: 'github', id: newId('ls', tools) }
    const read = await lease({ kind, job: mine, state: 'pending', handle: Buffer.from('nothing yet') })
    const learned = { kind: 'lease.move', id: read.id, from: ['pending'], to: 'active' } as const
    await store.commit([{ ...learned, handle: Buffer.from('the token') }])
    const openHandle = (each: { readonly handle: Uint8Array }) => Buffer.from(each.handle).toString()
    let asked = 0
    // The first look is the one that came too early.
    const leases: typeof store.leases = async (filter) => (asked++ === 0 ? [read] : store.leases(filter))
    const late = { leases, lease: store.lease.bind(store), commit: store.commit.bind(store) }
    const revoke = openRevoke({ store: late, target: () => learns, openHandle, record, tools })
    if (end === 'lease') assert.equal(await revoke.endLease(read, 'caller'), 'ended')
    else assert.equal(await revoke.endJob(mine, 'webhook'), 1)
    assert.deepEqual([[...live], await state(read)], [[], 'revoked'])
  }
})
