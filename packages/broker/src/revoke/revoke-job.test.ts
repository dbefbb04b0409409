import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsIn, job, openWorld } from '../../test/leases.ts'

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
