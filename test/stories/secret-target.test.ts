/** A job gets a static secret from a broker, and everybody is told that its end changes nothing about the secret. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  npm: { tier: shared, access: write, max: 20m, secret: npm-publish }
  other: { tier: shared, access: write, max: 20m, secret: { name: other } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [npm, orders-api, orders-api-staging], for: 10m }
`

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const old = new Date(Date.now() - 100 * 86_400_000).toISOString().slice(0, 10)
  const connections = `{ npm-publish: { file: ./npm, last_replaced: ${old} }, other: { file: ./other } }`
  appendFileSync(site.config, `connections: { secret: ${connections} }\n`)
  const secrets = { npm: `npm_${randomBytes(18).toString('hex')}`, other: randomBytes(18).toString('hex') }
  for (const [name, value] of Object.entries(secrets)) writeFileSync(join(site.folder, name), `${value}\n`)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = (audience: string) => exchange(broker.url, github.idTokenOf(job, site.url), { audience })
  const endJob = () =>
    github.completeJob(job, `${broker.url}/webhooks/github`, site.secrets['webhook-secret'])
  return { site, broker, secrets, get, endJob }
}

test('the secret goes to the job of the policy alone; its lease ends, and the record says that the secret does not', async (t) => {
  const { site, broker, secrets, get, endJob } = await start(t)
  const answer = await get('npm')
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.body['access_token'], secrets.npm)
  assert.equal(answer.body['token_type'], 'N_A')
  assert.equal((await get('other')).status, 400)
  const lease = String(answer.body['lease_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
  await endJob()
  assert.equal((await introspect(broker.url, lease)).body['active'], false)
  assert.equal((await get('npm')).status, 400, 'the job is over')
  const { text, entries } = await exportedLog(site.config)
  const [ended] = entries.filter(({ type }) => type === 'lease.ended')
  assert.match(ended?.detail ?? '', /can use it until it is replaced/)
  for (const secret of Object.values(secrets)) {
    assert.ok(!text.includes(secret))
    assert.ok(!broker.lines.join('\n').includes(secret))
  }
})

test('age and use are shown: a warning at the start, a gauge, a count', async (t) => {
  const { broker, get } = await start(t)
  const warnings = broker.lines.filter((line) => line.includes('a connection should be mended'))
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /connections\.secret\.npm-publish was last replaced on .*, 100 days ago/)
  assert.match(warnings[1] ?? '', /connections\.secret\.other has no last_replaced/)
  await get('npm')
  const { text } = await ask(`${broker.url}/metrics`)
  const age = /^mayfly_secret_age_seconds\{secret="npm-publish"\} (\d+)$/m.exec(text)?.[1]
  assert.ok(Number(age) >= 100 * 86_400 && Number(age) < 102 * 86_400, text)
  assert.ok(!text.includes('secret="other"'), 'an age that nobody knows is not 0')
  assert.match(text, /^mayfly_exchanges_total\{outcome="issued",target="npm",issuer="github"\} 1$/m)
})
