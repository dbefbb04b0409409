/** `kill -9` between any two steps of taking back, for every kind that is taken back: nothing lives on without a lease. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAgainAndSweep } from '../fakes/ends.ts'
import { everyTarget } from '../fakes/every-target.ts'
import { killAtEachStep, takingBack } from './crash-steps.ts'

for (const moment of ['before', 'after'] as const)
  test(`killed ${moment} any message of taking back: nothing without a lease, in the end nothing`, async (t) => {
    const world = await everyTarget(t)
    const steps = await killAtEachStep(t, world, { moment, prepare: takingBack(world) })
    t.diagnostic(JSON.stringify(Object.fromEntries(steps)))
    const kinds = world.places.filter(({ live }) => live !== undefined).map(({ kind }) => kind)
    assert.deepEqual([...steps.keys()].toSorted(), kinds.toSorted())
    await startAgainAndSweep(t, world)
  })
