/**
 * Nothing of a job's credential can be had by another job, whatever the timing: jobs that race each other, the replay of
 * a token, lease tokens in the wrong hands, and the end of a job that races its exchange. Two brokers on one store.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openLeases } from '../fakes/ends.ts'
import { type EveryTarget, everyTarget, type NamedPlace } from '../fakes/every-target.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { type Answered, exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { randomFrom, shuffled } from '../fakes/seeded.ts'

type Job = ReturnType<EveryTarget['newJob']>

/** What one request of a job was answered with. */
interface Delivered {
  readonly job: string
  readonly place: NamedPlace
  readonly lease: string
  readonly leaseToken: string
  /** Every part that opens something, or that names who comes. */
  readonly parts: readonly string[]
}

const telling =
  /^(?:password|url|user|token|access_token|private_key|certificate|access_key_id|secret_access_key|session_token)$/

async function start(t: TestContext) {
  const random = randomFrom(t)
  const world = await everyTarget(t)
  const brokers = [await runBroker(t, world.site.config), await runBroker(t, world.site.replica)]
  const urls = brokers.map(({ url }) => url)
  await world.learnKeys(world.site.url)
  const anyUrl = () => urls[random(urls.length)] ?? world.site.url
  return { world, random, anyUrl }
}

const idOf = ({ claims }: Job) => String(claims['check_run_id'])

function deliveredOf(job: Job, place: NamedPlace, { body }: Answered): Delivered {
  const credential = (body['credential'] ?? {}) as Readonly<Record<string, unknown>>
  const leaseToken = String(body['lease_token'] ?? body['access_token'])
  const own = { access_token: body['access_token'], ...credential }
  const parts = Object.entries(own).flatMap(([name, value]) => (telling.test(name) ? [String(value)] : []))
  return { job: idOf(job), place, lease: String(body['lease_id']), leaseToken, parts }
}

/** Asks until the connection has room; what is full says so at once. */
async function getAtLast(
  world: EveryTarget,
  url: () => string,
  job: Job,
  place: NamedPlace,
): Promise<Delivered> {
  for (let tries = 0; tries < 50; tries++) {
    const answer = await world.get(url(), job, place)
    if (answer.status === 200) return deliveredOf(job, place, answer)
    assert.equal(answer.status, 503, `${place.kind}: ${answer.text}`)
  }
  assert.fail(`${place.kind} never has room`)
}

/** Each part was handed to one job only, and (but for what a job may have twice) under one lease only. */
function checkApart(delivered: readonly Delivered[]): void {
  const holders = new Map<string, Set<string>>()
  const add = (part: string, holder: string) =>
    holders.set(part, (holders.get(part) ?? new Set<string>()).add(holder))
  for (const { job, place, lease, leaseToken, parts } of delivered) {
    add(leaseToken, `${job} ${lease}`)
    add(lease, `${job} ${lease}`)
    // Everybody who may have a static secret has the same one; Auth0's are kept for the job a moment.
    if (place.kind === 'secret') continue
    for (const part of parts) add(part, place.kind === 'auth0' ? job : `${job} ${lease}`)
  }
  const shared = [...holders.values()].filter((each) => each.size > 1).map((each) => [...each])
  assert.deepEqual(shared, [], 'one credential, several holders')
  assert.equal(new Set(delivered.map(({ lease }) => lease)).size, delivered.length)
}

/** The log knows each of them as the job's that got it. */
async function checkRecorded(world: EveryTarget, delivered: readonly Delivered[]): Promise<void> {
  const { entries } = await exportedLog(world.site.config)
  const jobs = new Map<string | undefined, unknown>()
  for (const { type, lease, claims } of entries)
    if (type === 'credential.issued') jobs.set(lease, claims?.['check_run_id'])
  for (const { job, lease } of delivered) assert.equal(jobs.get(lease), job)
}

/** At each place, of what says its lease, are those of `expected` and no other. */
async function checkAlive(world: EveryTarget, expected: readonly Delivered[]): Promise<void> {
  const plain = (text: string) => text.toLowerCase().replaceAll('-', '_')
  for (const place of world.places) {
    if (place.live === undefined) continue
    const there = (await place.live()).map(plain)
    const mine = expected.filter((each) => each.place === place)
    assert.equal(there.length, mine.length, place.kind)
    if (place.kind === 'github_app') continue
    for (const { lease } of mine)
      assert.ok(
        there.some((name) => name.endsWith(plain(lease))),
        lease,
      )
  }
}

test('jobs that ask for the same at once: each credential is of one lease, of the job that asked', async (t) => {
  const { world, random, anyUrl } = await start(t)
  const jobs = Array.from({ length: 16 }, () => world.newJob())
  // Two at once for each, so that what is kept, and what is still being asked for, meets its own job and others.
  const wishes = jobs.flatMap((job) =>
    world.places.flatMap((place) => [place, place].map((each) => ({ job, place: each }))),
  )
  const delivered: Delivered[] = []
  const waiting = shuffled(wishes, random).values()
  const lane = async () => {
    for (const { job, place } of waiting) delivered.push(await getAtLast(world, anyUrl, job, place))
  }
  await Promise.all(Array.from({ length: 48 }, lane))
  checkApart(delivered)
  await checkRecorded(world, delivered)
  await checkAlive(world, delivered)

  // Half of the jobs end theirs by the tokens of their leases; the others look at theirs meanwhile.
  const ending = new Set(jobs.filter((_, at) => at % 2 === 0).map(idOf))
  await Promise.all(
    shuffled(delivered, random).map(async ({ job, lease, leaseToken }) => {
      if (ending.has(job)) return assert.equal((await revoke(anyUrl(), leaseToken)).status, 200)
      const { body } = await introspect(anyUrl(), leaseToken)
      assert.deepEqual([body['active'], body['jti']], [true, lease])
    }),
  )
  for (const { job, lease, leaseToken } of delivered) {
    const { body } = await introspect(anyUrl(), leaseToken)
    assert.deepEqual([body['active'], body['jti']], ending.has(job) ? [false, undefined] : [true, lease])
  }
  await checkAlive(
    world,
    delivered.filter(({ job }) => !ending.has(job)),
  )
  for (const job of jobs) await world.endJob(anyUrl(), job)
  await checkAlive(world, [])
})

test('one token from several clients at once, at two brokers: one of them gets one credential', async (t) => {
  const { world, random, anyUrl } = await start(t)
  const jobs = world.places.map(() => world.newJob())
  await Promise.all(
    jobs.map(async (job, at) => {
      const token = world.github.idTokenOf(job, world.site.url)
      const place = world.places.slice(at, at + 1)
      const clients = shuffled([...place, ...place, ...world.places.slice(0, 2)], random)
      const answers = await Promise.all(
        clients.map((each) => exchange(anyUrl(), token, { audience: each.target, ...each.asked })),
      )
      const good = answers.filter(({ status }) => status === 200)
      assert.equal(good.length, 1, answers.map(({ text }) => text).join('\n'))
      for (const { status, text } of answers)
        if (status !== 200) assert.match(text, /invalid_(?:grant|request)/)
    }),
  )
  assert.equal((await openLeases(world)).length, world.places.length)
  for (const job of jobs) await world.endJob(anyUrl(), job)
  await checkAlive(world, [])
})

test('the end of a job that races its exchanges leaves nothing that works, however it comes out', async (t) => {
  const { world, random, anyUrl } = await start(t)
  const jobs = Array.from({ length: 40 }, () => world.newJob())
  const outcomes = new Map<number, number>()
  const race = async (job: Job) => {
    const places = [0, 1]
      .map(() => world.places[random(world.places.length)])
      .filter((each) => each !== undefined)
    const turns = random(60)
    const [answers, ended] = await Promise.all([
      Promise.all(places.map((place) => world.get(anyUrl(), job, place))),
      (async () => {
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        return await world.endJob(anyUrl(), job)
      })(),
    ])
    assert.equal(ended.status, 202)
    for (const { status, body } of answers) {
      outcomes.set(status, (outcomes.get(status) ?? 0) + 1)
      assert.ok([200, 400, 503].includes(status), `${status} ${JSON.stringify(body)}`)
      if (status !== 200) continue
      const leaseToken = String(body['lease_token'] ?? body['access_token'])
      assert.equal((await introspect(anyUrl(), leaseToken)).body['active'], false)
    }
  }
  for (let from = 0; from < jobs.length; from += 8) await Promise.all(jobs.slice(from, from + 8).map(race))
  t.diagnostic(JSON.stringify(Object.fromEntries(outcomes)))
  assert.ok((outcomes.get(200) ?? 0) > 0 && (outcomes.get(400) ?? 0) > 0, 'no race was close')
  await checkAlive(world, [])
  for (const { state } of await openLeases(world)) assert.equal(state, 'stuck')
})
