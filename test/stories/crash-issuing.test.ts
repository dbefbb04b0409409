/** `kill -9` between any two steps of handing out, for every kind of target: nothing lives on without a lease. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAgainAndSweep } from '../fakes/ends.ts'
import { everyTarget } from '../fakes/every-target.ts'
import { issuing, killAtEachStep, openDoors } from './crash-steps.ts'

for (const moment of ['before', 'after'] as const)
  test(`killed ${moment} any message of issuing: nothing without a lease, in the end nothing`, async (t) => {
    const world = await everyTarget(t)
    const doors = await openDoors(t, world)
    const steps = await killAtEachStep(t, world, { moment, prepare: issuing(world, doors) })
    t.diagnostic(JSON.stringify(Object.fromEntries(steps)))
    assert.deepEqual([...steps.keys()].toSorted(), world.places.map(({ kind }) => kind).toSorted())
    await startAgainAndSweep(t, world)
  })
