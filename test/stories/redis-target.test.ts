/** A job warms a cache with a user of its own, and the user ends with the job: through a running broker. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { redisCli, startRedis } from '../fakes/redis.ts'
import { exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  cache: { tier: staging, access: write, max: 20m, redis_user: { server: staging, rules: ["~app:*", "+@read", "+set"] } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [cache, orders-api], for: 10m }
  - { name: other, who: { repo: acme/shop, branch: main, environment: other }, get: orders-api-staging, for: 10m }
`

test('a job has a user of its own; it ends with the job, and with the token of the lease', async (t) => {
  const server = await startRedis()
  t.after(() => server.stop())
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  appendFileSync(site.config, 'connections: { redis: { staging: { url: { file: ./redis-url } } } }\n')
  appendFileSync(join(site.folder, 'redis-url'), `${server.broker}\n`)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = async () => {
    const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'cache' })
    assert.equal(answer.status, 200, answer.text)
    const credential = answer.body['credential'] as Readonly<Record<string, string>>
    return { url: String(credential['url']), lease: String(answer.body['access_token']), credential }
  }
  const [first, second] = [await get(), await get()]
  assert.notEqual(first.credential['user'], second.credential['user'])
  for (const { url } of [first, second])
    assert.equal((await redisCli(url, 'SET', 'app:1', 'x')).output.trim(), 'OK')
  await revoke(broker.url, first.lease)
  assert.equal((await introspect(broker.url, first.lease)).body['active'], false)
  assert.match((await redisCli(first.url, 'GET', 'app:1')).errors, /WRONGPASS|NOAUTH/)
  assert.equal((await redisCli(second.url, 'GET', 'app:1')).output.trim(), 'x')
  const ended = await github.completeJob(job, `${broker.url}/webhooks/github`, site.secrets['webhook-secret'])
  assert.equal(ended.status, 202)
  assert.match((await redisCli(second.url, 'GET', 'app:1')).errors, /WRONGPASS|NOAUTH/)
  assert.doesNotMatch((await redisCli(server.admin, 'ACL', 'USERS')).output, /mayfly/)
  const { text } = await exportedLog(site.config)
  for (const { credential } of [first, second]) assert.ok(!text.includes(String(credential['password'])))
  const word = new URL(server.broker).password
  assert.ok(!text.includes(word) && !broker.lines.join('\n').includes(word))
})
