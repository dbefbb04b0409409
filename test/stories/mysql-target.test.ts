/** A job migrates with an account of its own, by the real client, and the account ends with the job: through a running broker. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { mysqlClient, startMariadb } from '../fakes/mariadb.ts'
import { exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-db: { tier: staging, access: write, max: 20m, mysql_role: { server: staging, role: migrator, schema: shop } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-db, orders-api], for: 10m }
  - { name: other, who: { repo: acme/shop, branch: main, environment: other }, get: orders-api-staging, for: 10m }
`

test('a job has an account of its own; it ends with the job, and with the token of the lease', async (t) => {
  const server = await startMariadb()
  t.after(() => server.stop())
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  appendFileSync(site.config, 'connections: { mysql: { staging: { url: { file: ./mysql-url } } } }\n')
  appendFileSync(join(site.folder, 'mysql-url'), `${server.broker}\n`)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = async () => {
    const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'orders-db' })
    assert.equal(answer.status, 200, answer.text)
    const credential = answer.body['credential'] as Readonly<Record<string, string>>
    assert.equal(credential['database'], 'shop')
    return { url: String(credential['url']), lease: String(answer.body['access_token']), credential }
  }
  const [first, second] = [await get(), await get()]
  assert.notEqual(first.credential['user'], second.credential['user'])
  assert.equal((await mysqlClient(first.url, 'CREATE TABLE made (id INT)')).errors, '')
  assert.equal((await mysqlClient(second.url, 'INSERT INTO made VALUES (7)')).errors, '')
  await revoke(broker.url, first.lease)
  assert.equal((await introspect(broker.url, first.lease)).body['active'], false)
  assert.match((await mysqlClient(first.url, 'SELECT 1')).errors, /Access denied/)
  assert.equal((await mysqlClient(second.url, 'SELECT * FROM made')).output, '7\n')
  const ended = await github.completeJob(job, `${broker.url}/webhooks/github`, site.secrets['webhook-secret'])
  assert.equal(ended.status, 202)
  assert.match((await mysqlClient(second.url, 'SELECT 1')).errors, /Access denied/)
  const { output } = await mysqlClient(
    server.admin,
    "SELECT user FROM mysql.user WHERE user LIKE 'mf%'; SELECT * FROM made",
  )
  assert.equal(output, '7\n')
  const { text } = await exportedLog(site.config)
  const word = new URL(server.broker).password
  for (const secret of [word, ...[first, second].map(({ credential }) => String(credential['password']))])
    assert.ok(!text.includes(secret) && !broker.lines.join('\n').includes(secret))
})
