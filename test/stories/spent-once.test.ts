/** A38: a subject token is good for one credential, however often and wherever it is presented. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { fakeTools } from '../fakes/clock.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { database } from '../fakes/postgres-for.ts'
import { type Answered, accessToken, call, exchange, introspect } from '../fakes/requests.ts'
import { type RunningBroker, runBroker, runBrokerWith } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

const production = pushJob('production')

/** All at once, each on a connection of its own. */
async function present(token: string, urls: readonly string[], times: number): Promise<Answered[]> {
  const agent = new Agent({ maxSockets: times })
  try {
    return await Promise.all(
      Array.from({ length: times }, (_, i) => exchange(urls[i % urls.length] ?? '', token, {}, agent)),
    )
  } finally {
    agent.destroy()
  }
}

interface Summed {
  readonly counts: Readonly<Record<string, number>>
}

/** Exactly one answer holds a credential, and it works; the log says the same. */
async function checkOnce(
  site: Site,
  brokers: readonly RunningBroker[],
  token: string,
  answers: readonly Answered[],
) {
  const url = brokers.at(-1)?.url ?? ''
  const granted = answers.filter((answer) => answer.status === 200)
  assert.equal(granted.length, 1)
  const [only] = granted
  assert.ok(only !== undefined)
  assert.equal((await introspect(url, accessToken(only))).body['active'], true)
  for (const answer of answers) {
    if (answer.status === 200) continue
    assert.equal(answer.status, 400)
    assert.equal(answer.body['error'], 'invalid_request')
    assert.equal('access_token' in answer.body, false)
  }
  const again = await exchange(url, token)
  assert.equal(again.status, 400)
  for (const broker of brokers) await broker.close()
  const { entries } = await exportedLog(site.config)
  const about = entries.filter((entry) => entry.type.startsWith('credential.'))
  const issued = about.filter((entry) => entry.type === 'credential.issued')
  assert.deepEqual(
    issued.map((entry) => entry.lease),
    [only.body['lease_id']],
  )
  const refused = about.filter((entry) => entry.type === 'credential.refused')
  // Beyond an allowance refusals are counted: nothing is forgotten, and the log is not filled.
  const summed = entries.filter((entry) => entry.type === 'refusals.summed') as unknown as readonly Summed[]
  const counted = summed.map(({ counts }) => counts['credential.refused subject_token_invalid'] ?? 0)
  assert.equal(
    counted.reduce((sum, count) => sum + count, refused.length),
    answers.length,
  )
  assert.deepEqual(
    [...new Set(refused.map(({ code, reason }) => `${code}: ${reason}`))],
    ['subject_token_invalid: this token was spent before'],
  )
}

test('A38: 1,000 parallel exchanges of one token yield one credential on SQLite', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const token = github.idToken({ ...production, aud: site.url })
  await checkOnce(site, [broker], token, await present(token, [broker.url], 1_000))
})

test('A38: 1,000 parallel exchanges of one token at two brokers on PostgreSQL yield one credential', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, database: await database() })
  const brokers = [await runBroker(t, site.config), await runBroker(t, site.replica)]
  const token = github.idToken({ ...production, aud: site.url })
  const urls = brokers.map(({ url }) => url)
  await checkOnce(site, brokers, token, await present(token, urls, 1_000))
})

test('A38: a spent token is still spent after its end, as long as the leeway lets it live', async (t) => {
  const tools = fakeTools()
  const github = await githubFor(t, { now: tools.now })
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBrokerWith(t, site.config, tools)
  const job = () => github.idToken({ ...production, aud: site.url })
  const spent = job()
  const late = job()
  assert.equal((await exchange(broker.url, spent)).status, 200)
  // GitHub's tokens end after 300 s; clocks may be 60 s apart. Rounds of the sweep forget what they may.
  for (let passed = 0; passed < 350; passed += 10) {
    tools.advance(10_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await exchange(broker.url, late)).status, 200, 'the leeway')
  assert.equal((await exchange(broker.url, spent)).status, 400)
  assert.equal((await call(broker.url, undefined, '/healthz')).status, 200)
})

test('a refused request spends nothing: neither its token nor an id that another issuer uses too', async (t) => {
  const github = await githubFor(t)
  const other = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer, other: other.issuer } })
  const broker = await runBroker(t, site.config)
  const claims = { ...production, aud: site.url, jti: 'one-id-for-both' }
  // The policy gives nothing to jobs of the other issuer.
  assert.equal((await exchange(broker.url, other.idToken(claims))).body['error'], 'invalid_target')
  const token = github.idToken(claims)
  assert.equal((await exchange(broker.url, token, { audience: 'mistyped' })).body['error'], 'invalid_target')
  assert.equal((await exchange(broker.url, token)).status, 200)
  // The id is what is spent, not the text of one token.
  assert.equal((await exchange(broker.url, github.idToken(claims))).status, 400)
})
