import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsIn, job, openWorld, type World } from '../../test/leases.ts'
import { newId } from '../base/id.ts'
import { Secret } from '../base/secret.ts'
import { openExchange } from '../exchange.ts'
import type { Target } from '../issue/target.ts'

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
