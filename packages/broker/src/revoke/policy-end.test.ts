import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsIn, openWorld, type World } from '../../test/leases.ts'
import type { AuditEvent, Lease } from '../domain.ts'
import { openPolicyEnd } from './policy-end.ts'

const terms = (policy: string) => ({ policy, settings: 's' })

/** A lease with the entry that the exchange writes. */
async function issued(world: World, over: Partial<Lease>): Promise<Lease> {
  const lease = await world.lease(over)
  const event = {
    ...{ type: 'credential.issued', lease: lease.id, issuer: 'github', subject: 's', target: 'orders' },
    ...{ kind: 'token', grants: ['g'], scopes: [], seconds: 600, expires: lease.expiresAt, policy: 'old' },
    ...{ via: 'token', claims: { who: lease.subject } },
  } as const satisfies AuditEvent
  await world.store.commit([world.record(event)])
  return lease
}

function who(entry: unknown): unknown {
  return (entry as { claims?: { who?: unknown } } | undefined)?.claims?.who
}

test('leases that the policy in force would not give end, each judged by what the log holds of it', async () => {
  const world = await openWorld()
  const { state, tools } = world
  const leases: Lease[] = []
  // Many pages of leases and of entries, over half an hour.
  for (let i = 0; i < 450; i++) {
    leases.push(await issued(world, { subject: i % 3 === 0 ? 'out' : 'in', terms: terms('old') }))
    tools.advance(4_000)
  }
  const current = await issued(world, { subject: 'out', terms: terms('new') })
  const unknown = await world.lease({ terms: terms('old') })
  const end = openPolicyEnd({
    ...world,
    policy: () => 'new',
    why: (lease, entry) => {
      if (entry !== undefined) assert.equal(who(entry), lease.subject)
      return who(entry) === 'in' ? undefined : 'not any more'
    },
  })
  await Promise.all([end.look(), end.look()])
  const found = await Promise.all(leases.map(state))
  assert.deepEqual(
    found.map((each, i) => (i % 3 === 0) === (each === 'revoked')),
    leases.map(() => true),
  )
  assert.equal(await state(current), 'active')
  assert.equal(await state(unknown), 'revoked')
  const log = await world.events()
  assert.deepEqual(new Set(endsIn(log)), new Set(['revoked by policy']))
  assert.equal(endsIn(log).length, 151)
  assert.ok(log.some((event) => event.type === 'lease.ended' && event.detail === 'not any more'))
})

test('a policy that changes while leases are looked at is looked at as well', async () => {
  const world = await openWorld()
  const lease = await issued(world, { terms: terms('first') })
  let policy = 'second'
  const asked: string[] = []
  const end = openPolicyEnd({
    ...world,
    policy: () => policy,
    why: () => {
      asked.push(policy)
      if (policy === 'third') return 'gone'
      policy = 'third'
      return undefined
    },
  })
  await end.look()
  assert.deepEqual(asked, ['second', 'third'])
  assert.equal(await world.state(lease), 'revoked')
})

test('what fails is tried again', async () => {
  const world = await openWorld()
  const lease = await issued(world, { terms: terms('old') })
  let broken = true
  const end = openPolicyEnd({
    ...world,
    store: {
      ...world.store,
      head: () => (broken ? Promise.reject(new Error('away')) : world.store.head()),
    },
    policy: () => 'new',
    why: () => 'gone',
  })
  await end.look()
  assert.equal(await world.state(lease), 'active')
  broken = false
  world.tools.advance(30_000)
  await end.look()
  assert.equal(await world.state(lease), 'revoked')
  await end.close()
})
