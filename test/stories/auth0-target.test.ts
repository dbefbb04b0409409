/** A job calls an API that Auth0 guards, with a token that the broker got for it, and the record says what lives on. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { openAuth0Fake } from '../fakes/auth0.ts'
import { auth0Audience, auth0Client, auth0Key, furnish } from '../fakes/auth0-world.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.own.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.example" } }
  orders: { tier: staging, max: 20m, auth0: { tenant: acme, audience: "${auth0Audience}", scopes: { read:orders: read, write:orders: write } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-api, orders-api-staging], for: 10m }
  - { name: reads, who: { repo: acme/shop, branch: main, environment: staging }, get: { target: orders, scopes: [read:orders] }, for: 10m }
`

async function start(t: TestContext, lifetime?: number) {
  const tenant = await openAuth0Fake(Date.now)
  t.after(() => tenant.close())
  furnish(tenant, lifetime)
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const connection = `{ domain: "${tenant.domain}", client_id: ${auth0Client}, private_key: { file: ./auth0.pem }, dangerously_allow_http: true }`
  appendFileSync(site.config, `connections: { auth0: { acme: ${connection} } }\n`)
  writeFileSync(join(site.folder, 'auth0.pem'), auth0Key().pem)
  const broker = await runBroker(t, site.config)
  const newJob = () => github.job(pushJob('staging'))
  const get = (job: ReturnType<typeof newJob>, more: Readonly<Record<string, string>> = {}) =>
    exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'orders', ...more })
  const endJob = (job: ReturnType<typeof newJob>) =>
    github.completeJob(job, `${broker.url}/webhooks/github`, site.secrets['webhook-secret'])
  const keys = createRemoteJWKSet(new URL(`${tenant.url}/.well-known/jwks.json`))
  /** What the API does with a token. */
  const callApi = async (token: string): Promise<JWTPayload> =>
    (await jwtVerify(token, keys, { issuer: `${tenant.url}/`, audience: auth0Audience })).payload
  return { tenant, github, site, broker, newJob, get, endJob, callApi }
}

test('the API takes the token, with the scopes of the grant; the record says how long it lives on', async (t) => {
  const { tenant, site, broker, newJob, get, endJob, callApi } = await start(t, 86_400)
  const job = newJob()
  const answer = await get(job, { scope: 'read:orders' })
  assert.equal(answer.status, 200, answer.text)
  const token = String(answer.body['access_token'])
  assert.equal((await callApi(token))['scope'], 'read:orders')
  assert.deepEqual([answer.body['token_type'], answer.body['scope']], ['Bearer', 'read:orders'])
  assert.ok(Number(answer.body['expires_in']) <= 600)
  assert.equal((await get(job, { scope: 'write:orders' })).status, 400)
  const lease = String(answer.body['lease_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
  await endJob(job)
  assert.equal((await introspect(broker.url, lease)).body['active'], false)
  assert.equal((await get(job)).status, 400, 'the job is over, whatever is kept')
  const { text, entries } = await exportedLog(site.config)
  const [ended] = entries.filter(({ type }) => type === 'lease.ended')
  const { exp = 0 } = await callApi(token)
  const until = /^Auth0 recalls no access token: this one works until (.*Z)$/.exec(ended?.detail ?? '')?.[1]
  assert.ok(Math.abs(Date.parse(until ?? '') / 1000 - exp) <= 2, ended?.detail ?? 'no detail')
  for (const line of [text, broker.lines.join('\n')])
    for (const secret of [...tenant.given, tenant.asked[0]?.['client_assertion'] ?? '-', 'PRIVATE KEY'])
      assert.ok(!line.includes(secret))
})

test('an API with short tokens: the job hears the shorter time', async (t) => {
  const { newJob, get } = await start(t, 120)
  const { body } = await get(newJob())
  assert.ok(Number(body['expires_in']) <= 120 && Number(body['expires_in']) > 110, JSON.stringify(body))
  assert.ok(Number(body['expires_at']) <= Date.now() / 1000 + 120)
})

test('jobs that race each have a token of their own; one that asks again has the same', async (t) => {
  const { newJob, get, tenant } = await start(t)
  const jobs = Array.from({ length: 8 }, newJob)
  const answers = await Promise.all([...jobs, ...jobs].map((job) => get(job)))
  const tokens = answers.map(({ body, text }) => String(body['access_token'] ?? assert.fail(text)))
  assert.equal(new Set(tokens.slice(0, 8)).size, 8)
  assert.deepEqual(tokens.slice(8), tokens.slice(0, 8))
  assert.equal(tenant.given.length, 8)
})

test('a tenant over its limit: 503 with its own Retry-After, for its own targets only', async (t) => {
  const { tenant, site, broker, github, newJob, get } = await start(t)
  tenant.limit = { remaining: 0, reset: Math.floor(Date.now() / 1000) + 90 }
  const job = newJob()
  const answer = await get(job)
  assert.equal(answer.status, 503)
  const wait = Number(answer.headers['retry-after'])
  assert.ok(wait > 80 && wait <= 90, String(wait))
  assert.equal((await get(job)).status, 503)
  assert.equal(tenant.asked.length, 1, 'it was left alone')
  assert.equal((await exchange(broker.url, github.idTokenOf(job, site.url))).status, 200)
})
