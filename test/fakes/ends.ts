/** What has to be true of credentials and leases, looked at where they are: at each place, in the store, in the log. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Running } from '../../packages/broker/src/broker.ts'
import type { LeaseState } from '../../packages/broker/src/domain.ts'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { fakeTools } from './clock.ts'
import type { EveryTarget } from './every-target.ts'
import { exportedLog, type Remembered } from './exported-log.ts'
import { passingTime } from './passing-time.ts'
import { runBrokerWith } from './running-broker.ts'

const unfinished: readonly LeaseState[] = ['pending', 'active', 'stuck']
const mostRounds = 80
/** GitHub's tokens live for an hour, also one that nobody knows any more. */
const allDead = 3_600_000 + 120_000

/** The leases of a store that have not ended, of whatever broker. */
export async function openLeases({ site }: EveryTarget) {
  const office = await openOfficeFromFile({ path: site.config, env: {}, writeLog: () => undefined })
  try {
    return await office.leases({ states: unfinished, limit: 5_000 })
  } finally {
    await office.close()
  }
}

/** Whatever is at a place has a lease that still knows of it. */
export async function checkNothingWithoutLease(world: EveryTarget, moment: string): Promise<void> {
  const leases = await openLeases(world)
  for (const { kind, live } of world.places) {
    const there = (await live?.()) ?? []
    const known = leases.filter((lease) => lease.kind === kind)
    assert.ok(
      there.length <= known.length,
      `${moment}: ${kind} has ${there.length}, ${known.length} have a lease`,
    )
    const plain = (text: string) => text.toLowerCase().replaceAll('-', '_')
    // Tokens name nobody; what has a name says its lease.
    const named = there.map(plain).filter((name) => /^(?:mayfly|mf)_/.test(name))
    for (const name of named)
      assert.ok(
        known.some(({ id }) => name.endsWith(plain(id))),
        `${moment}: ${name} has no lease`,
      )
  }
}

/**
 * A broker starts again and time passes until all that could be issued long is, and could live without us is dead. Then
 * every lease has ended, nothing is left at any place, and the log says the same.
 */
export async function startAgainAndSweep(t: TestContext, world: EveryTarget): Promise<Running> {
  const tools = fakeTools(Date.now())
  const broker = await runBrokerWith(t, world.site.config, tools)
  const pass = passingTime(tools)
  world.ahead = allDead
  await pass(allDead, allDead / 5)
  await checkEnds(world, () => pass(30_000))
  return broker
}

async function checkEnds(world: EveryTarget, round: () => Promise<void>): Promise<void> {
  for (let rounds = 0; ; rounds++) {
    await round()
    const open = await openLeases(world)
    if (open.length === 0) break
    assert.ok(rounds < mostRounds, `still open: ${JSON.stringify(open.slice(0, 3))}`)
  }
  for (const { kind, live } of world.places)
    if (live !== undefined) assert.deepEqual(await live(), [], `left at ${kind}`)
  await checkLog(world)
}

/** Store and log tell the same: each lease began once, ended once, and what lives on was said. */
async function checkLog(world: EveryTarget): Promise<void> {
  const { entries } = await exportedLog(world.site.config)
  const office = await openOfficeFromFile({ path: world.site.config, env: {}, writeLog: () => undefined })
  const kept = await office.leases({ limit: 5_000 }).finally(() => office.close())
  const of = (found: (entry: Remembered) => boolean) =>
    Map.groupBy(entries.filter(found), ({ lease }) => lease)
  const begun = of(({ type }) => type === 'credential.issued' || type === 'credential.pending')
  const issued = of(({ type }) => type === 'credential.issued')
  const ended = of(({ type, state }) => type === 'lease.ended' && state !== 'stuck')
  assert.deepEqual([...begun.keys()].toSorted(), kept.map(({ id }) => id).toSorted())
  for (const { id, kind, state, endedBy } of kept) {
    const [entry, ...more] = ended.get(id) ?? []
    assert.deepEqual([entry?.state, entry?.by, more.length], [state, endedBy, 0], `${kind} ${id}`)
    assert.ok((issued.get(id)?.length ?? 0) <= 1)
    const { outlives } = world.places.find((place) => place.kind === kind) ?? {}
    if (outlives !== undefined && issued.has(id) && entry?.by === 'job_end')
      assert.match(entry.detail ?? '', outlives)
  }
}
