/** `kill -9` between any two messages to the store, PostgreSQL, while every kind is handed out, and while it is taken back. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startAgainAndSweep } from '../fakes/ends.ts'
import { everyTarget } from '../fakes/every-target.ts'
import type { Moment } from '../fakes/held-wire.ts'
import { wired } from '../fakes/place.ts'
import { database } from '../fakes/postgres-for.ts'
import { issuing, killAtEachStep, openDoors, type Prepare, takingBack } from './crash-steps.ts'

async function start(t: TestContext) {
  const { wire, url } = await wired(t, await database())
  const world = await everyTarget(t, url)
  /** All works have the same steps: what the broker says to its store, on one connection for all that it writes. */
  const kill = (moment: Moment, prepare: Prepare) => {
    const atStore: Prepare = async (at) => (await prepare(at)).map((work) => ({ ...work, wire }))
    return killAtEachStep(t, world, { moment, prepare: atStore, stride: 2 })
  }
  return { world, kill }
}

for (const moment of ['before', 'after'] as const) {
  test(`killed ${moment} any message to the store while issuing: nothing without a lease, in the end nothing`, async (t) => {
    const { world, kill } = await start(t)
    const steps = await kill(moment, issuing(world, await openDoors(t, world)))
    t.diagnostic(JSON.stringify(Object.fromEntries(steps)))
    assert.equal(steps.size, world.places.length)
    await startAgainAndSweep(t, world)
  })

  test(`killed ${moment} any message to the store while taking back: nothing without a lease, in the end nothing`, async (t) => {
    const { world, kill } = await start(t)
    const steps = await kill(moment, takingBack(world, 'redis_user', 'github_app'))
    t.diagnostic(JSON.stringify(Object.fromEntries(steps)))
    assert.equal(steps.size, 2)
    await startAgainAndSweep(t, world)
  })
}
