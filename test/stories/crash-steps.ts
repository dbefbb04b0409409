/** A broker that is killed at each step of handing out and of taking back, at every kind of place at once. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { checkNothingWithoutLease } from '../fakes/ends.ts'
import type { EveryTarget, NamedPlace } from '../fakes/every-target.ts'
import type { HeldWire, Moment } from '../fakes/held-wire.ts'
import { wired } from '../fakes/place.ts'
import { startBrokerProcess } from '../fakes/running-broker.ts'

const mostSteps = 60

/** One request of a place, and the wire whose messages are its steps. */
interface Work {
  readonly place: NamedPlace
  readonly wire: HeldWire
  /** Through the wire where it is the one to the broker. */
  run(): Promise<{ readonly status: number }>
}

/** Makes what one round does: with a running broker, before anything is held. */
export type Prepare = (url: string) => Promise<readonly Work[]>

export interface Killing {
  readonly moment: Moment
  readonly prepare: Prepare
  /** Where one side waits for each answer of the other, after 1, 3, 5 ... is before 2, 4, 6 ...: then 2 is enough. */
  readonly stride?: number
}

/**
 * Kills brokers at step 1, 2, 3 ... of the work, each place's own, until all of it passes; after each death whatever is
 * at a place has a lease. Answers the steps that each kind has.
 */
export async function killAtEachStep(
  t: TestContext,
  world: EveryTarget,
  { moment, prepare, stride = 1 }: Killing,
): Promise<ReadonlyMap<string, number>> {
  const steps = new Map<string, number>()
  for (let step = 1; step < mostSteps; step += stride) {
    const broker = await startBrokerProcess(t, world.site.config)
    await world.learnKeys(broker.url)
    const works = await prepare(broker.url)
    const wires = [...new Set(works.map(({ wire }) => wire))]
    const holds = new Map(wires.map((wire) => [wire, wire.hold(step, moment)]))
    const running = works.map(({ place, wire, run }) => {
      const held = holds.get(wire)?.then(() => place.kind)
      const done = run().then(
        ({ status }) => assert.ok(status < 300, `${place.kind}: ${status}`),
        () => 'cut',
      )
      return { done, first: Promise.race([held, done.then(() => undefined)]) }
    })
    const reached = (await Promise.all(running.map(({ first }) => first))).filter(
      (kind) => kind !== undefined,
    )
    await broker.kill()
    for (const wire of wires) wire.release()
    await Promise.all(running.map(({ done }) => done))
    await checkNothingWithoutLease(world, `${moment} step ${step} of ${reached.join(', ')}`)
    for (const kind of reached) steps.set(kind, step)
    if (reached.length === 0) return steps
  }
  assert.fail('the work never ends')
}

/** Handing out: a job for each place. Where a credential is made in the broker, the steps are those of the caller. */
export function issuing(world: EveryTarget, doors: ReadonlyMap<string, HeldWire>): Prepare {
  return async (url) =>
    world.places.flatMap((place) => {
      const door = doors.get(place.kind)
      const wire = place.wire ?? door
      if (wire === undefined) return []
      const through = wire === door ? `http://127.0.0.1:${door.port}` : url
      return [{ place, wire, run: () => world.get(through, world.newJob(), place) }]
    })
}

/** Taking back at the end of a job, which has one credential of one place; of some kinds, or all that take back. */
export function takingBack(world: EveryTarget, ...kinds: readonly string[]): Prepare {
  return async (url) => {
    const places = world.places.filter(
      ({ kind, live }) => live !== undefined && (kinds.length === 0 || kinds.includes(kind)),
    )
    return await Promise.all(
      places.map(async (place) => {
        const { wire } = place
        const job = world.newJob()
        const { status, text } = await world.get(url, job, place)
        assert.equal(status, 200, text)
        assert.ok(wire !== undefined)
        return { place, wire, run: () => world.endJob(url, job) }
      }),
    )
  }
}

/** Wires between callers and the broker, for each kind that has none of its own; they outlive every broker. */
export async function openDoors(t: TestContext, world: EveryTarget) {
  const doors = new Map<string, HeldWire>()
  for (const { kind, wire } of world.places)
    if (wire === undefined) doors.set(kind, (await wired(t, world.site.url)).wire)
  return doors
}
