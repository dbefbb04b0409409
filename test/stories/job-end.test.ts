/** The permission vanishes with the job: by GitHub's own webhook, at once, whatever the token says. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { delivery, workflowJobCompleted } from '../../packages/cli/src/demo/stand-in/webhook.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ordersApi } from '../fakes/orders-api.ts'
import { accessToken, ask, call, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

async function start(t: TestContext, exchangesPerJob?: number) {
  const github = await githubFor(t)
  const api = await ordersApi(t)
  const limit = exchangesPerJob === undefined ? {} : { exchangesPerJob }
  const site = await makeSite(t, { issuers: { github: github.issuer }, upstream: api.url, ...limit })
  const broker = await runBroker(t, site.config)
  const proxy = broker.routes.find(({ name }) => name === 'orders')?.url ?? ''
  return { github, api, site, broker, proxy, webhook: `${broker.url}/webhooks/github` }
}

const startJob = (github: Github) => github.job(pushJob('production'))

/** Whether the resource server is told that the token lives. */
async function isActive(url: string, site: Site, token: string): Promise<boolean> {
  const answer = await introspect(url, token, { name: 'orders', secret: site.secrets.orders })
  assert.equal(answer.status, 200)
  return answer.body['active'] === true
}

test("the signed end of a job ends its credentials at once, and nobody else's", async (t) => {
  const { github, api, site, broker, proxy, webhook } = await start(t)
  const [job, other] = [startJob(github), startJob(github)]
  const get = async (of: typeof job) =>
    accessToken(await exchange(broker.url, github.idTokenOf(of, site.url)))
  const [token, second, others] = [await get(job), await get(job), await get(other)]
  assert.equal((await call(proxy, token)).status, 200)
  assert.equal(await isActive(broker.url, site, token), true)

  const delivered = await github.completeJob(job, webhook, site.secrets['webhook-secret'])
  assert.equal(delivered.status, 202)
  const seen = api.requests()
  for (const ended of [token, second]) {
    assert.equal((await call(proxy, ended)).status, 401)
    assert.equal(await isActive(broker.url, site, ended), false)
  }
  assert.equal(api.requests(), seen, 'a refused request reached the API')
  assert.equal((await call(proxy, others)).status, 200)
  assert.equal(await isActive(broker.url, site, others), true)
})

test('a delivery that comes again changes nothing more', async (t) => {
  const { github, site, broker, webhook } = await start(t)
  const job = startJob(github)
  await exchange(broker.url, github.idTokenOf(job, site.url))
  const secret = site.secrets['webhook-secret']
  const { headers, body } = workflowJobCompleted(
    { claims: job.claims, conclusion: 'success', endedAt: Date.now() },
    secret,
  )
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask(webhook, { method: 'POST', headers, body })),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 202, 202, 202],
  )
  const { entries } = await exportedLog(site.config)
  const ends = entries.filter((entry) => entry.type === 'lease.ended')
  assert.deepEqual(
    ends.map((entry) => entry.by),
    ['job_end'],
  )
})

test('a delivery without the right signature ends nothing, and is remembered', async (t) => {
  const { github, site, broker, proxy, webhook } = await start(t)
  const job = startJob(github)
  const token = accessToken(await exchange(broker.url, github.idTokenOf(job, site.url)))
  const ended = { claims: job.claims, conclusion: 'success', endedAt: Date.now() } as const
  const secret = site.secrets['webhook-secret']
  const right = workflowJobCompleted(ended, secret)
  const wrong = workflowJobCompleted(ended, 'another secret of the same length, maybe')
  const { 'x-hub-signature-256': _, ...unsigned } = right.headers
  const sha1 = createHmac('sha1', secret).update(right.body).digest('hex')
  const deliveries = [
    wrong,
    { ...right, headers: unsigned },
    { ...right, headers: { ...unsigned, 'x-hub-signature': `sha1=${sha1}` } },
    { ...right, body: `${right.body} ` },
  ]
  for (const { headers, body } of deliveries) {
    assert.equal((await ask(webhook, { method: 'POST', headers, body })).status, 401)
  }
  assert.equal((await call(proxy, token)).status, 200)
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter((entry) => entry.type === 'webhook.refused')
  assert.equal(refused.length, deliveries.length)
})

test('A42: a token of a job that has ended is worth nothing, though nobody used it before', async (t) => {
  const { github, site, broker, webhook } = await start(t)
  const job = startJob(github)
  const stolen = github.idTokenOf(job, site.url)
  await github.completeJob(job, webhook, site.secrets['webhook-secret'])
  const answer = await exchange(broker.url, stolen)
  assert.equal(answer.status, 400)
  assert.equal('access_token' in answer.body, false)
  const { entries } = await exportedLog(site.config)
  const entry = entries.find(({ id }) => id === answer.body['error_id'])
  assert.equal(entry?.reason, 'the job of this token has ended')
})

test('the signed end of a run ends the credentials of its jobs, and no new one comes', async (t) => {
  const { github, site, broker, proxy, webhook } = await start(t)
  const job = startJob(github)
  const token = accessToken(await exchange(broker.url, github.idTokenOf(job, site.url)))
  const run = { id: Number(job.claims['run_id']), run_attempt: Number(job.claims['run_attempt']) }
  const text = JSON.stringify({ action: 'completed', workflow_run: run })
  const { headers, body } = delivery('workflow_run', text, site.secrets['webhook-secret'])
  assert.equal((await ask(webhook, { method: 'POST', headers, body })).status, 202)
  assert.equal((await call(proxy, token)).status, 401)
  assert.equal((await exchange(broker.url, github.idTokenOf(job, site.url))).status, 400)
})

test('A42: a job gets no more credentials than one job may have, even at once', async (t) => {
  const { github, site, broker } = await start(t, 2)
  const job = startJob(github)
  const tokens = Array.from({ length: 12 }, () => github.idTokenOf(job, site.url))
  const answers = await Promise.all(tokens.map((token) => exchange(broker.url, token)))
  const granted = answers.filter(({ status }) => status === 200)
  assert.equal(granted.length, 2)
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    assert.equal(answer.body['error'], 'invalid_target')
  }
  const other = await exchange(broker.url, github.idTokenOf(startJob(github), site.url))
  assert.equal(other.status, 200, 'another job has its own')
})
