/** A job migrates a database with a role of its own, and the role ends with the job: through a running broker. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { database } from '../fakes/postgres-for.ts'
import { query } from '../fakes/query.ts'
import { exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-db: { tier: staging, access: write, max: 20m, postgres_role: { server: staging, role: migrator, schema: shop } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-db, orders-api], for: 10m }
  - { name: other, who: { repo: acme/shop, branch: main, environment: other }, get: orders-api-staging, for: 10m }
`

async function start(t: TestContext) {
  const admin = await database()
  await query(admin, 'DROP ROLE IF EXISTS migrator').catch(() => undefined)
  await query(admin, 'CREATE ROLE migrator').catch(() => undefined)
  await query(admin, 'CREATE SCHEMA shop AUTHORIZATION migrator')
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  appendFileSync(site.config, 'connections: { postgres: { staging: { url: { file: ./admin-url } } } }\n')
  appendFileSync(join(site.folder, 'admin-url'), `${admin}\n`)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = async () => {
    const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'orders-db' })
    assert.equal(answer.status, 200, answer.text)
    const credential = answer.body['credential'] as Readonly<Record<string, string>>
    return { url: String(credential['url']), lease: String(answer.body['access_token']), credential, answer }
  }
  const roles = async () => (await query(admin, `SELECT FROM pg_roles WHERE rolname LIKE 'mayfly%'`)).rowCount
  return { admin, github, site, broker, job, get, roles }
}

test('a job migrates with a role of its own; the role ends with the job and its work stays', async (t) => {
  const { admin, github, site, broker, job, get, roles } = await start(t)
  const first = await get()
  const second = await get()
  assert.notEqual(first.credential['user'], second.credential['user'])
  await query(first.url, 'CREATE TABLE orders (id int)')
  await query(second.url, 'INSERT INTO orders VALUES (1)').then(
    () => assert.fail('a lease wrote into what another made before it was handed on'),
    (thrown: unknown) => assert.match(String(thrown), /permission denied/),
  )
  const delivered = await github.completeJob(
    job,
    `${broker.url}/webhooks/github`,
    site.secrets['webhook-secret'],
  )
  assert.equal(delivered.status, 202)
  for (const { url } of [first, second])
    await assert.rejects(query(url, 'SELECT 1'), /password|does not exist/)
  assert.equal(await roles(), 0)
  const { rows } = await query(admin, `SELECT tableowner FROM pg_tables WHERE tablename = 'orders'`)
  assert.deepEqual(rows, [{ tableowner: 'migrator' }])
  const { text, entries } = await exportedLog(site.config)
  const types = entries.map(({ type }) => type).filter((type) => /credential|lease/.test(type))
  assert.deepEqual(types.toSorted(), [
    'credential.issued',
    'credential.issued',
    'credential.pending',
    'credential.pending',
    'lease.ended',
    'lease.ended',
  ])
  for (const { credential } of [first, second]) assert.ok(!text.includes(String(credential['password'])))
  assert.ok(!text.includes(admin) && !broker.lines.join('\n').includes(new URL(admin).password))
})

test('the token of the lease looks at it and ends it, and opens nothing else', async (t) => {
  const { broker, get, roles } = await start(t)
  const { url, lease } = await get()
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
  assert.equal((await query(url, 'SELECT current_user')).rowCount, 1)
  await revoke(broker.url, lease)
  assert.equal((await introspect(broker.url, lease)).body['active'], false)
  await assert.rejects(query(url, 'SELECT 1'), /password|does not exist/)
  assert.equal(await roles(), 0)
})

test('a server that is down answers 503 for its own targets only, and leaves nothing behind', async (t) => {
  const { github, site, broker, job, roles } = await start(t)
  const dead = await makeSite(t, { issuers: { github: github.issuer }, policy })
  appendFileSync(dead.config, 'connections: { postgres: { staging: { url: { file: ./admin-url } } } }\n')
  appendFileSync(join(dead.folder, 'admin-url'), 'postgres://mayfly:word@127.0.0.1:1/none\n')
  const other = await runBroker(t, dead.config)
  const answer = await exchange(other.url, github.idTokenOf(job, dead.url), { audience: 'orders-db' })
  assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '5'])
  assert.equal((await exchange(other.url, github.idTokenOf(job, dead.url))).status, 200)
  assert.equal((await exchange(broker.url, github.idTokenOf(job, site.url))).status, 200)
  assert.equal(await roles(), 0)
})
