/**
 * The certain end: 500 credentials of every kind, the end of every job told in random order, late and more than once,
 * and the broker killed five times meanwhile. In the end nothing works at any place that can take it back.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { debianProgram } from '../fakes/debian-package.ts'
import { startAgainAndSweep } from '../fakes/ends.ts'
import { type EveryTarget, everyTarget, type NamedPlace } from '../fakes/every-target.ts'
import { introspect } from '../fakes/requests.ts'
import { type BrokerProcess, startBrokerProcess } from '../fakes/running-broker.ts'
import { randomFrom, shuffled } from '../fakes/seeded.ts'
import { run, sshFolder } from '../fakes/sshd.ts'

const wanted = 500
const perJob = 4
const kills = 5
const lanes = 8

type Job = ReturnType<EveryTarget['newJob']>

/** What a job was handed. */
interface Held {
  readonly place: NamedPlace
  readonly body: Readonly<Record<string, unknown>>
}

/** A broker that dies when it is told to, and is there again for whoever asks next. */
async function mortal(t: TestContext, world: EveryTarget) {
  let running: Promise<BrokerProcess> = startBrokerProcess(t, world.site.config)
  await world.learnKeys((await running).url)
  return {
    url: async () => (await running).url,
    async die() {
      const dying = await running
      const { promise, resolve, reject } = Promise.withResolvers<BrokerProcess>()
      running = promise
      await dying.kill()
      startBrokerProcess(t, world.site.config).then(resolve, reject)
    },
    end: async () => (await running).kill(),
  }
}

type Mortal = Awaited<ReturnType<typeof mortal>>

/** Does all of the work, some at once; what the death of a broker cut is done again by the next one. */
async function throughDeaths(
  broker: Mortal,
  work: readonly ((url: string) => Promise<boolean>)[],
  deaths: ReadonlySet<number>,
): Promise<void> {
  const waiting = work.entries()
  const lane = async () => {
    for (const [at, each] of waiting) {
      // In the middle of what the others do.
      const death = deaths.has(at) ? broker.die() : undefined
      for (let tries = 0; !(await each(await broker.url()).catch(() => false)); tries++)
        assert.ok(tries < 20, 'a request that no broker answers')
      await death
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Every place as often as the others, so that each job has four of them. */
async function handOut(world: EveryTarget, broker: Mortal, random: (most: number) => number) {
  const held: Held[] = []
  const jobs = Array.from({ length: wanted / perJob }, world.newJob)
  const asks = jobs.flatMap((job, at) =>
    Array.from({ length: perJob }, (_, turn) => ({ job, turn: at * perJob + turn })),
  )
  const work = shuffled(asks, random).map(({ job, turn }) => async (url: string) => {
    const place = world.places[turn % world.places.length]
    if (place === undefined) return true
    const { status, body, text } = await world.get(url, job, place)
    if (status !== 200 && status < 500) assert.fail(`${place.kind}: ${text}`)
    if (status === 200) held.push({ place, body })
    return status === 200
  })
  await throughDeaths(broker, work, new Set([random(wanted / 2), wanted / 2 + random(wanted / 2)]))
  return { held, jobs }
}

/** Each end once for sure, some twice or three times; a delivery that met no broker comes again, as from a person. */
async function tellEnds(
  world: EveryTarget,
  broker: Mortal,
  jobs: readonly Job[],
  random: (most: number) => number,
) {
  const deliveries = shuffled(
    jobs.flatMap((job) => Array.from({ length: 1 + random(3) }, () => job)),
    random,
  )
  const work = deliveries.map((job) => async (url: string) => (await world.endJob(url, job)).status === 202)
  const left = kills - 2
  const part = Math.floor(deliveries.length / left)
  await throughDeaths(
    broker,
    work,
    new Set(Array.from({ length: left }, (_, at) => at * part + random(part))),
  )
}

/** The certificates that hosts with our list of those that ended still let in. */
async function certificatesThatWork(url: string, held: readonly Held[]): Promise<number> {
  const folder = sshFolder()
  const keygen = debianProgram('/usr/bin/ssh-keygen', 'openssh-client')
  const list = await fetch(`${url}/ssh/web/krl`)
  writeFileSync(join(folder, 'krl'), new Uint8Array(await list.arrayBuffer()))
  let working = 0
  for (const [at, { body }] of held.entries()) {
    const path = join(folder, `${at}-cert.pub`)
    writeFileSync(path, String((body['credential'] as Readonly<Record<string, string>>)['certificate']))
    const { output } = await run(keygen, ['-Q', '-f', join(folder, 'krl'), path])
    if (!output.includes('REVOKED')) working += 1
  }
  return working
}

const leaseToken = ({ body }: Held) => String(body['lease_token'] ?? body['access_token'])

test('500 credentials of every kind end with their jobs, whatever dies meanwhile', async (t) => {
  const random = randomFrom(t)
  const world = await everyTarget(t)
  const broker = await mortal(t, world)
  const { held, jobs } = await handOut(world, broker, random)
  assert.equal(held.length, wanted)
  for (const place of world.places)
    if (place.live !== undefined) assert.ok((await place.live()).length >= wanted / world.places.length - 1)
  await tellEnds(world, broker, jobs, random)
  await broker.end()

  // What a death left in the middle is the sweep's, once nobody can be issuing any more.
  const { url } = await startAgainAndSweep(t, world)
  for (const each of held)
    assert.equal((await introspect(url, leaseToken(each))).body['active'], false, each.place.kind)
  const certificates = held.filter(({ place }) => place.kind === 'ssh')
  assert.ok(certificates.length > 0)
  assert.equal(await certificatesThatWork(url, certificates), 0)
})
