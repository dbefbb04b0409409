/** `kill -9` under load: what a client holds is in the log, the log is whole, and nothing is spent twice. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { database } from '../fakes/postgres-for.ts'
import { type Answered, exchange } from '../fakes/requests.ts'
import { startBrokerProcess } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

const rounds = 20
const connections = 8

/** A token that was presented, and what came of it; `undefined` when the broker died first. */
interface Presented {
  readonly token: string
  readonly answer: Answered | undefined
}

const jobToken = (github: Github, site: Site) => github.idToken({ ...pushJob('production'), aud: site.url })

/** Exchanges on every connection until the broker is gone, and kills it after a moment of answers. */
async function burst(
  t: TestContext,
  github: Github,
  site: Site,
  before: readonly Presented[],
): Promise<Presented[]> {
  const broker = await startBrokerProcess(t, site.config)
  await checkRemembered(broker.url, before)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const presented: Presented[] = []
  const client = async () => {
    for (let answer: Answered | undefined, first = true; first || answer !== undefined; first = false) {
      const token = jobToken(github, site)
      answer = await exchange(broker.url, token, {}, agent).catch(() => undefined)
      presented.push({ token, answer })
    }
  }
  const clients = Array.from({ length: connections }, client)
  // The load has to be there before the kill: not a time, but answers; then at a moment nobody chose.
  while (!presented.some(({ answer }) => answer?.status === 200)) await pause(5)
  await pause(100 + Math.random() * 150)
  await broker.kill()
  await Promise.all(clients)
  agent.destroy()
  return presented
}

/** What was answered before the crash stays spent; what got no answer can be had once at most. */
async function checkRemembered(url: string, before: readonly Presented[]): Promise<void> {
  for (const { token, answer } of before) {
    if (answer === undefined) {
      const answers = await Promise.all([exchange(url, token), exchange(url, token)])
      assert.ok(answers.filter(({ status }) => status === 200).length <= 1)
    } else assert.equal((await exchange(url, token)).status, 400, 'spent before the crash, and good again')
  }
}

async function crashStory(t: TestContext, site: Site, github: Github): Promise<void> {
  const held = new Set<string>()
  let last: readonly Presented[] = []
  let cut = 0
  for (let round = 0; round < rounds; round++) {
    const presented = await burst(t, github, site, last.slice(-40))
    for (const { answer } of presented) {
      if (answer === undefined) cut += 1
      else {
        assert.equal(answer.status, 200, answer.text)
        held.add(String(answer.body['lease_id']))
      }
    }
    last = presented
    if (round % 5 === 4) checkLog((await exportedLog(site.config)).entries, held)
  }
  assert.ok(held.size > rounds, `only ${held.size} credentials`)
  assert.ok(cut > 0, 'no request was under way when the broker died')
}

function checkLog(entries: Awaited<ReturnType<typeof exportedLog>>['entries'], held: ReadonlySet<string>) {
  const issued = entries.filter((entry) => entry.type === 'credential.issued')
  const leases = new Set(issued.map((entry) => entry.lease))
  assert.deepEqual(
    [...held].filter((lease) => !leases.has(lease)),
    [],
    'held by a client and not in the log',
  )
  const tokens = issued.map((entry) => entry.claims?.['jti'])
  assert.equal(new Set(tokens).size, tokens.length, 'a token was spent twice')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

test('20 times kill -9 under load on SQLite: nothing that a client holds is missing from the log', async (t) => {
  const github = await githubFor(t)
  await crashStory(t, await makeSite(t, { issuers: { github: github.issuer } }), github)
})

test('20 times kill -9 under load on PostgreSQL: nothing that a client holds is missing from the log', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, database: await database() })
  await crashStory(t, site, github)
})
