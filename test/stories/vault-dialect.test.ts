/** Clients of Vault log in, read, look at their leases and give them back at a broker whose URL they were given. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import nodeVault from 'node-vault'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { database } from '../fakes/postgres-for.ts'
import { query } from '../fakes/query.ts'
import { ask, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'
import { vaultAction } from '../fakes/vault-action.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-db: { tier: staging, access: write, max: 20m, postgres_role: { server: staging, role: reader } }
  registry: { tier: staging, access: write, secret: registry }
  payments: { tier: staging, access: write, secret: registry }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-db, orders-api, registry], for: 10m }
  - { name: pay, who: { repo: acme/shop, branch: main, environment: production }, get: [payments, orders-api-staging], for: 10m }
`

const paths =
  '{ secret/data/shop/ci: { target: registry, key: password }, kv/plain: registry, database/creds/old-name: orders-db }'

async function start(t: TestContext, dialects = `{ vault: { paths: ${paths} } }`) {
  const admin = await database()
  await query(admin, 'CREATE ROLE reader').catch(() => undefined)
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, exchangesPerJob: 1000 })
  const connections =
    '{ postgres: { staging: { url: { file: ./admin-url } } }, secret: { registry: { file: ./registry } } }'
  for (const path of [site.config, site.replica])
    appendFileSync(path, `connections: ${connections}\ndialects: ${dialects}\n`)
  appendFileSync(join(site.folder, 'admin-url'), `${admin}\n`)
  writeFileSync(join(site.folder, 'registry'), 'swordfish-4711')
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const login = async () => {
    const vault = nodeVault({ endpoint: broker.url, apiVersion: 'v1' })
    const { auth } = await vault.jwtLogin({ role: 'ci', jwt: github.idTokenOf(job, site.url) })
    vault.token = auth.client_token
    return vault
  }
  const secrets = (lines: string) =>
    vaultAction(job, { ...{ url: broker.url, role: 'ci', jwtGithubAudience: site.url }, secrets: lines })
  return { admin, github, site, broker, job, login, secrets }
}

const urlOf = (admin: string, { username, password }: Readonly<Record<string, string>>) => {
  const url = new URL(admin)
  Object.assign(url, { username, password })
  return url.href
}

test('node-vault logs in, reads a database login, a secret and a token, and gives all of it back', async (t) => {
  const { admin, site, login } = await start(t)
  const vault = await login()
  assert.equal((await vault.health()).sealed, false)
  const creds = await vault.read('database/creds/orders-db?ttl=5m')
  assert.equal(creds.lease_duration, 300)
  await query(urlOf(admin, creds.data), 'SELECT 1')
  const kv = await vault.read('secret/data/registry')
  assert.deepEqual(kv.data.data, { value: 'swordfish-4711' })
  const token = await vault.read('mayfly/token/orders-api')
  assert.match(token.data.token, /^eyJ/)
  const self = await vault.tokenLookupSelf()
  assert.ok(self.data.ttl > 800 && self.data.ttl <= 900 && self.data.renewable === false)
  await vault.revoke({ lease_id: creds.lease_id })
  await assert.rejects(query(urlOf(admin, creds.data), 'SELECT 1'))
  const again = await vault.read('database/creds/old-name')
  await vault.tokenRevokeSelf()
  await assert.rejects(query(urlOf(admin, again.data), 'SELECT 1'))
  await assert.rejects(vault.read('secret/data/registry'), /permission denied/)
  const { entries, text } = await exportedLog(site.config)
  const session = entries.find(({ type }) => type === 'session.opened')
  const issued = entries.filter(({ type }) => type === 'credential.issued')
  assert.deepEqual(
    issued.map(({ target }) => target),
    ['orders-db', 'registry', 'orders-api', 'orders-db'],
  )
  assert.ok(issued.every((entry) => entry.via === 'vault' && entry.session === session?.lease))
  assert.equal(entries.filter(({ type, state }) => type === 'lease.ended' && state === 'revoked').length, 5)
  for (const secret of ['swordfish-4711', 'mvs.', creds.data.password]) assert.ok(!text.includes(secret))
})

test('vault-action exports by a changed URL, and its refusal says which condition failed', async (t) => {
  const { admin, site, secrets } = await start(t)
  const got = await secrets(`
    secret/data/shop/ci password | REGISTRY_PASSWORD ;
    kv/plain value | PLAIN ;
    database/creds/orders-db username | PGUSER ;
    database/creds/orders-db password | PGPASSWORD ;
    mayfly/token/orders-api token | TOKEN`)
  assert.ok('exported' in got, JSON.stringify(got))
  assert.equal(got.exported['REGISTRY_PASSWORD'], 'swordfish-4711')
  assert.equal(got.exported['PLAIN'], 'swordfish-4711')
  const { PGUSER: username = '', PGPASSWORD: password = '' } = got.exported
  await query(urlOf(admin, { username, password }), 'SELECT 1')
  const refused = await secrets('secret/data/payments value | PASSWORD')
  assert.ok('failed' in refused)
  assert.match(refused.failed, /^Response code 403: permission denied: .*environment.*\(au_[0-9a-z]{26}\)$/)
  const unknown = await secrets('secret/data/nothing value | PASSWORD')
  assert.ok('failed' in unknown)
  assert.match(unknown.failed, /^Response code 403: permission denied: /)
  const { entries } = await exportedLog(site.config)
  const refusals = entries.filter(({ type }) => type === 'credential.refused')
  assert.ok(refusals.length >= 2 && refusals.every((entry) => entry.via === 'vault'))
})

test('a login spends the token for every door, and whoever would get nothing at all cannot log in', async (t) => {
  const { broker, github, site, job } = await start(t)
  const login = (jwt: string, role = 'ci') =>
    ask(`${broker.url}/v1/auth/github/login`, { method: 'PUT', body: JSON.stringify({ jwt, role }) })
  const token = github.idTokenOf(job, site.url)
  assert.equal((await login(token)).status, 200)
  assert.equal((await login(token)).status, 400)
  assert.equal((await exchange(broker.url, token)).status, 400)
  const spent = github.idTokenOf(job, site.url)
  assert.equal((await exchange(broker.url, spent)).status, 200)
  assert.equal((await login(spent)).status, 400)
  const pull = github.job({ ...pushJob('staging'), repository: 'acme/other', environment: 'elsewhere' })
  const nothing = await login(github.idTokenOf(pull, site.url))
  assert.equal(nothing.status, 403)
  assert.match(nothing.text, /no grant gives anything to acme\/other/)
  assert.equal((await login(github.idTokenOf(job, site.url), 'x'.repeat(65))).status, 400)
})

test('a session is its own job, and ends with it', async (t) => {
  const { admin, broker, github, site, job, login } = await start(t)
  const mine = await login()
  const creds = await mine.read('database/creds/orders-db')
  const other = await login()
  await assert.rejects(other.revoke({ lease_id: creds.lease_id }), /invalid lease/)
  await query(urlOf(admin, creds.data), 'SELECT 1')
  const spoilt = nodeVault({
    endpoint: broker.url,
    token: `${mine.token.slice(0, -1)}${mine.token.endsWith('A') ? 'B' : 'A'}`,
  })
  await assert.rejects(spoilt.read('secret/data/registry'), /permission denied/)
  const leaseToken = await mine.read('mayfly/token/orders-api')
  const wrong = nodeVault({ endpoint: broker.url, token: leaseToken.data.token })
  await assert.rejects(wrong.read('secret/data/registry'), /permission denied/)
  const delivered = await github.completeJob(
    job,
    `${broker.url}/webhooks/github`,
    site.secrets['webhook-secret'],
  )
  assert.equal(delivered.status, 202)
  await assert.rejects(mine.read('secret/data/registry'), /permission denied/)
  await assert.rejects(mine.tokenLookupSelf(), /permission denied/)
  await assert.rejects(query(urlOf(admin, creds.data), 'SELECT 1'))
})

test('what could mean more, or another thing, than Vault would give is refused', async (t) => {
  const { site, broker, login } = await start(t)
  const { token } = await login()
  const get = (path: string, headers: Readonly<Record<string, string>> = { 'X-Vault-Token': token }) =>
    ask(`${broker.url}${path}`, { headers })
  const post = (path: string, body: unknown) =>
    ask(`${broker.url}${path}`, { headers: { 'X-Vault-Token': token }, body: JSON.stringify(body) })
  const answers = [
    await get('/v1/secret/data/registry?version=3'),
    await get('/v1/secret/data/registry?ttl=1m&ttl=2m'),
    await get('/v1/secret/data/registry?ttl=soon'),
    await get('/v1/secret/data/orders-db'),
    await get('/v1/database/creds/registry'),
    await get('/v1/secret/data/registry', {}),
    await get('/v1/secret/data/registry', { 'X-Vault-Token': token, authorization: 'Bearer other' }),
    await get('/v1/secret//data/registry'),
    await get('/v1/secret/data/%72egistry'),
    await post('/v1/aws/sts/registry', { role_arn: 'arn:aws:iam::1:role/x' }),
    await post('/v1/auth/token/renew-self', {}),
    await post('/v1/sys/leases/renew', { lease_id: 'x' }),
    await post('/v1/sys/leases/revoke', {}),
    await post('/v1/auth/jwt/login', { jwt: 'x' }),
    await post('/v1/auth/jwt/login', { jwt: ['x'] }),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [400, 400, 400, 403, 403, 403, 403, 404, 404, 400, 400, 400, 400, 400, 400],
  )
  for (const { body } of answers.filter(({ status }) => status !== 404))
    assert.ok(Array.isArray(body['errors']))
  const told = answers.filter(({ status }) => status !== 404)
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type, via }) => type === 'credential.refused' && via === 'vault')
  assert.equal(refused.length, told.length)
  const head = await ask(`${broker.url}/v1/secret/data/registry`, {
    method: 'HEAD',
    headers: { 'X-Vault-Token': token },
  })
  assert.equal(head.status, 405)
  assert.equal((await get('/v1/secret/data/registry', { authorization: `Bearer ${token}` })).status, 200)
})

test('without a word in the configuration there is no such door', async (t) => {
  const { broker } = await start(t, '{}')
  assert.equal((await ask(`${broker.url}/v1/auth/jwt/login`, { body: '{}' })).status, 404)
  assert.equal((await ask(`${broker.url}/v1/sys/health`)).status, 404)
})

test('a session that ends while it is read from, at two brokers, leaves nothing that works', async (t) => {
  const { broker, site, login } = await start(t)
  const replica = await runBroker(t, site.replica)
  const urls = [broker.url, replica.url]
  const seen = { given: 0, refused: 0 }
  for (let round = 0; round < 10; round++) {
    const { token } = await login()
    const headers = { 'X-Vault-Token': token }
    const read = (at: number) => ask(`${urls[at % 2]}/v1/mayfly/token/orders-api`, { headers })
    const end = async () => {
      for (let turn = 0; turn < 4 * round; turn++) await new Promise((resolve) => setImmediate(resolve))
      return await ask(`${urls[round % 2]}/v1/auth/token/revoke-self`, {
        method: 'POST',
        headers,
        body: '{}',
      })
    }
    const [ended, ...answers] = await Promise.all([end(), ...Array.from({ length: 8 }, (_, at) => read(at))])
    assert.equal(ended.status, 204, ended.text)
    const given = answers.filter(({ status }) => status === 200)
    seen.given += given.length
    seen.refused += answers.length - given.length
    for (const { status, text } of answers) assert.ok([200, 400, 403].includes(status), text)
    for (const { body } of given) {
      const { token: secret } = body['data'] as { readonly token: string }
      assert.equal((await introspect(broker.url, secret)).body['active'], false)
    }
  }
  assert.ok(seen.given > 0 && seen.refused > 0, `no race was close: ${JSON.stringify(seen)}`)
})
