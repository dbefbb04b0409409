/** A46: how long a credential works, where, and who may end it or ask about it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { fakeTools } from '../fakes/clock.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ordersApi } from '../fakes/orders-api.ts'
import { accessToken, call, exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBrokerWith } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

const policy = `
version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api:
    { tier: production, access: write, max: 10m, token: { audience: "https://orders.acme.example", scopes: [read] } }
  orders-api-staging:
    { tier: staging, access: write, max: 30m, token: { audience: "https://orders.staging.acme.example" } }
  reports:
    { tier: staging, access: read, max: 40m, token: { audience: "https://reports.acme.example" } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: production }, get: orders-api, for: 4m }
  - { name: shop-staging, who: { repo: acme/shop, branch: main, environment: staging }, get: orders-api-staging, for: 30m }
  - { name: reports, who: { repo: acme/shop, branch: main, environment: staging }, get: reports, for: 7m }
tests:
  - { name: production, token: { repo: acme/shop, branch: main, environment: production }, asks: orders-api, expect: grant }
  - { name: no production from staging, token: { repo: acme/shop, branch: main, environment: staging }, asks: orders-api, expect: deny }
`

async function start(t: TestContext) {
  const tools = fakeTools()
  const github = await githubFor(t, { now: tools.now })
  const api = await ordersApi(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, upstream: api.url })
  const broker = await runBrokerWith(t, site.config, tools)
  const [proxy = '', staging = ''] = broker.routes.map(({ url }) => url)
  const get = async (target: string, environment: string, more: Readonly<Record<string, string>> = {}) =>
    exchange(broker.url, github.idToken({ ...pushJob(environment), aud: site.url }), {
      audience: target,
      ...more,
    })
  return { tools, github, api, site, broker, proxy, staging, get }
}

const ordersServer = (site: Site) => ({ name: 'orders', secret: site.secrets.orders })
const stagingServer = (site: Site) => ({ name: 'staging', secret: site.secrets.staging })

test('A46: a credential lives as long as the policy says, whatever the request wishes', async (t) => {
  const { tools, get } = await start(t)
  const lifetimes = [
    ['orders-api', 'production', 240],
    ['orders-api-staging', 'staging', 1_800],
    ['reports', 'staging', 420],
  ] as const
  for (const [target, environment, seconds] of lifetimes) {
    const wishes = { expires_in: '31536000', requested_lifetime: '31536000', ttl: '31536000' }
    for (const more of [{}, wishes]) {
      const answer = await get(target, environment, more)
      const { exp = 0, iat = 0 } = decodeJwt(accessToken(answer))
      assert.equal(exp - iat, seconds)
      assert.equal(answer.body['expires_in'], seconds)
      assert.equal(answer.body['expires_at'], exp)
      assert.equal(iat, Math.floor(tools.now() / 1000))
    }
  }
})

test('A46: a token works until its end and not a second longer, at every door', async (t) => {
  const { tools, site, broker, proxy, get } = await start(t)
  const token = accessToken(await get('orders-api', 'production'))
  tools.advance(239_000)
  assert.equal((await call(proxy, token)).status, 200)
  assert.equal((await introspect(broker.url, token, ordersServer(site))).body['active'], true)
  tools.advance(1_000)
  assert.equal((await call(proxy, token)).status, 401)
  assert.deepEqual((await introspect(broker.url, token, ordersServer(site))).body, { active: false })
})

test("A46: the holder's word ends a token before its time, once", async (t) => {
  const { site, broker, proxy, get } = await start(t)
  const answer = await get('orders-api', 'production')
  const [token, other] = [accessToken(answer), accessToken(await get('orders-api', 'production'))]
  assert.equal((await call(proxy, token)).status, 200)
  assert.equal((await introspect(broker.url, token)).body['active'], true)
  const ends = await Promise.all([revoke(broker.url, token), revoke(broker.url, token)])
  assert.deepEqual(
    ends.map(({ status }) => status),
    [200, 200],
  )
  assert.equal((await call(proxy, token)).status, 401)
  assert.equal((await introspect(broker.url, token)).body['active'], false)
  assert.equal((await call(proxy, other)).status, 200)
  // RFC 7009 2.2: what is no token of ours is nothing to complain about.
  assert.equal((await revoke(broker.url, 'not.a.token')).status, 200)
  const { entries } = await exportedLog(site.config)
  const ended = entries.filter((entry) => entry.type === 'lease.ended')
  assert.deepEqual(
    ended.map(({ lease, by }) => [lease, by]),
    [[answer.body['lease_id'], 'caller']],
  )
})

test('a resource server learns about the tokens of its own target alone', async (t) => {
  const { site, broker, get } = await start(t)
  const production = accessToken(await get('orders-api', 'production'))
  const staging = accessToken(await get('orders-api-staging', 'staging'))
  const asked = async (token: string, by: { name: string; secret: string }) =>
    (await introspect(broker.url, token, by)).body
  const own = await asked(production, ordersServer(site))
  assert.equal(own['active'], true)
  assert.equal(own['aud'], 'https://orders.acme.example')
  assert.deepEqual(await asked(staging, ordersServer(site)), { active: false })
  assert.deepEqual(await asked(production, stagingServer(site)), { active: false })
  assert.equal((await asked(staging, stagingServer(site)))['active'], true)

  const wrong = { name: 'orders', secret: site.secrets.staging }
  assert.equal((await introspect(broker.url, production, wrong)).status, 401)
  assert.equal((await introspect(broker.url, production, { name: 'nobody', secret: 'x' })).status, 401)
})

test('a token of one audience is refused at the route of another, and never reaches the API', async (t) => {
  const { site, api, proxy, staging, get } = await start(t)
  const production = await get('orders-api', 'production')
  const other = await get('orders-api-staging', 'staging')
  assert.equal((await call(staging, accessToken(production))).status, 401)
  assert.equal((await call(proxy, accessToken(other))).status, 401)
  assert.equal((await call(proxy, accessToken(await get('reports', 'staging')))).status, 401)
  assert.equal((await call(proxy, undefined)).status, 401)
  assert.equal(api.requests(), 0)
  assert.equal((await call(proxy, accessToken(production))).status, 200)
  assert.equal((await call(staging, accessToken(other))).status, 200)
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter((entry) => entry.type === 'route.refused')
  assert.equal(refused.length, 4)
  assert.ok(refused.some((entry) => entry.lease === production.body['lease_id']))
})
