import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsIn, job, openWorld } from '../../test/leases.ts'
import { newId } from '../base/id.ts'
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
