import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsIn, openWorld, type World } from '../../test/leases.ts'
import type { Lease } from '../domain.ts'
import { Conflict } from '../store/store.ts'
import { openSwitches, type Switches } from './switches.ts'

async function open(): Promise<World & { readonly switches: Switches }> {
  const world = await openWorld()
  return { ...world, switches: openSwitches(world) }
}

test('a target that is switched off ends with all that it gave, and gives nothing until it is on again', async () => {
  const { switches, lease, state, provider, events } = await open()
  const [mine, made, other] = [
    await lease(),
    await lease({ kind: 'database' }),
    await lease({ target: 'other' }),
  ]
  const what = { of: 'target', name: 'orders' } as const
  const ended = await switches.off(what, 'incident 42')
  assert.deepEqual(ended, [mine.id, made.id].toSorted())
  assert.deepEqual(await Promise.all([mine, made, other].map(state)), ['revoked', 'revoked', 'active'])
  assert.equal(provider.live.size, 0)
  await assert.rejects(lease(), (thrown) => thrown instanceof Conflict && thrown.kind === 'switched_off')
  await lease({ target: 'other' })
  assert.deepEqual(await switches.all(), [what])
  assert.deepEqual(await switches.off(what), [])

  await switches.on(what)
  assert.deepEqual(await switches.all(), [])
  assert.equal(await state(await lease()), 'active')
  const log = await events()
  assert.deepEqual(endsIn(log), ['revoked by switch', 'revoked by switch'])
  const turns = log.flatMap((event) =>
    event.type === 'switch.off' || event.type === 'switch.on' ? [[event.type, event.name, event.reason]] : [],
  )
  assert.deepEqual(turns, [
    ['switch.off', 'orders', 'incident 42'],
    ['switch.off', 'orders', undefined],
    ['switch.on', 'orders', undefined],
  ])
})

test('an issuer and a repository are switched off for every target, and nobody else is', async () => {
  const { switches, lease, state } = await open()
  const shop = { repository: 'acme/shop' }
  const leases: Record<string, Lease> = {
    shop: await lease(shop),
    api: await lease({ repository: 'acme/api' }),
    shopper: await lease({ repository: 'acme/shopper' }),
    gitlab: await lease({ issuer: 'gitlab', job: { issuer: 'gitlab', id: '1' } }),
    // A subject is written by whoever owns the job.
    sly: await lease({ subject: '","repository":"acme/shop","x":"' }),
  }
  const states = async () =>
    Object.fromEntries(
      await Promise.all(Object.entries(leases).map(async ([name, each]) => [name, await state(each)])),
    )
  const running = { api: 'active', shopper: 'active', gitlab: 'active', sly: 'active' }
  await switches.off({ of: 'repository', name: 'acme/shop' })
  assert.deepEqual(await states(), { shop: 'revoked', ...running })
  await assert.rejects(lease(shop), Conflict)
  await switches.off({ of: 'issuer', name: 'gitlab' })
  assert.deepEqual(await states(), { shop: 'revoked', ...running, gitlab: 'revoked' })
})

test('what a switch left alive because its command was killed is ended by the broker', async () => {
  const { switches, store, lease, state } = await open()
  const many = await Promise.all(Array.from({ length: 450 }, () => lease()))
  await store.commit([{ kind: 'switch', switch: { of: 'target', name: 'orders' }, off: true }])
  await switches.finish()
  assert.deepEqual(new Set(await Promise.all(many.map(state))), new Set(['revoked']))
  await switches.finish()
})
