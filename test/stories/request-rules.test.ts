/** What a scope lists, and nothing else, passes the proxy: by method, path, query and body, by the policy in force now. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, ask, exchange, type Said } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api:
    tier: staging
    token:
      audience: https://orders.acme.example
      scopes:
        orders:read: { access: read, requests: [GET /orders, "GET /orders/{id}"] }
        orders:try: { access: write, requests: [{ request: POST /orders, query: { dry_run: [true] } }] }
        orders:small:
          access: write
          requests: [{ request: POST /orders, query: {}, body: { /kind: [standard, sample], /count: [1, 2] } }]
        orders:write: { access: write, requests: ["* /orders/**"] }
  orders-api-staging: { tier: staging, access: write, token: { audience: "https://orders.staging.acme.example" } }
grants:
  - name: shop
    who: { repo: acme/shop, branch: main, environment: staging }
    get:
      - { target: orders-api, scopes: [orders:read, orders:try, orders:small, orders:write] }
      - orders-api-staging
    for: 10m
`

/** An API that writes down what reached it: method, path, body. */
async function upstream(t: TestContext) {
  const reached: string[] = []
  const url = await onLoopback(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    reached.push(`${request.method} ${request.url} ${body}`.trim())
    response.end('ok')
  })
  return { url, reached }
}

async function start(t: TestContext) {
  const github = await githubFor(t)
  const api = await upstream(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, upstream: api.url })
  const broker = await runBroker(t, site.config)
  const [orders = '', staging = ''] = broker.routes.map(({ url }) => url)
  const token = async (scope: string, audience = 'orders-api') => {
    const more = scope === '' ? { audience } : { audience, scope }
    return accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), more),
    )
  }
  const call = async (bearer: string, line: string, said: Said = {}, base = orders) => {
    const [method = '', path = ''] = line.split(' ')
    const headers = { authorization: `Bearer ${bearer}`, ...said.headers }
    return await ask(base + path, { ...said, method, headers })
  }
  return { site, broker, api, staging, token, call }
}

const json = (body: string, type = 'application/json') => ({ headers: { 'content-type': type }, body })

test('a token lets through what its scopes list, and a refusal names the scope that would', async (t) => {
  const { site, api, token, call } = await start(t)
  const read = await token('orders:read')
  for (const line of ['GET /orders', 'HEAD /orders', 'GET /orders/7', 'GET /orders?all=1'])
    assert.equal((await call(read, line)).status, 200, line)
  const passed = api.reached.length
  const refused = [
    'POST /orders',
    'DELETE /orders/7',
    'GET /orders/7/items',
    'GET /',
    'GET /orders/',
    'OPTIONS /orders',
    'GET /orders/7;admin',
    'PATCH /orders/7',
    'GET /ORDERS',
    'GET /orders//7',
  ]
  for (const line of refused) assert.equal((await call(read, line)).status, 403, line)
  for (const name of ['X-HTTP-Method-Override', 'x_http_method', 'X-Method-Override'])
    assert.equal((await call(read, 'GET /orders/7', { headers: { [name]: 'DELETE' } })).status, 403, name)
  assert.equal((await call(read, 'GET /orders/7?_method=delete')).status, 403)
  assert.equal(api.reached.length, passed, 'a refused request reached the API')

  const told = await call(read, 'DELETE /orders/7')
  assert.match(String(told.headers['www-authenticate']), /error="insufficient_scope"/)
  assert.match(String(told.body['detail']), /It needs the scope orders:write\.$/)
  const { entries } = await exportedLog(site.config)
  const entry = entries.find(({ id }) => id === told.body['error_id'])
  assert.deepEqual(
    [entry?.type, entry?.code, entry?.reason],
    ['route.refused', 'scope_refused', 'no scope of the token lists DELETE /orders/7'],
  )
})

test('a query is held to its values', async (t) => {
  const { api, token, call } = await start(t)
  const attempt = await token('orders:try')
  assert.equal((await call(attempt, 'POST /orders?dry_run=true', { body: 'x' })).status, 200)
  for (const query of [
    '',
    '?dry_run=false',
    '?dry_run=true&dry_run=false',
    '?dry_run=true&force=1',
    '?dry%5frun=false',
    '?dry_run=true;x=1',
  ])
    assert.equal((await call(attempt, `POST /orders${query}`, { body: 'x' })).status, 403, query)
  assert.deepEqual(api.reached, ['POST /orders?dry_run=true x'])
})

test('a body is looked into where the policy asks for it, and arrives byte for byte', async (t) => {
  const { api, token, call } = await start(t)
  const small = await token('orders:small')
  const send = async (said: Said) => (await call(small, 'POST /orders', said)).status
  const good = '{ "count": 2,\n "kind":"standard", "note":"ü" }'
  assert.equal(await send(json(good)), 200)
  assert.equal(
    await send({
      ...json(good),
      headers: { 'content-type': 'application/json; charset=utf-8', 'transfer-encoding': 'chunked' },
    }),
    200,
  )
  assert.equal(
    await send({ ...json(good), headers: { 'content-type': 'application/json', expect: '100-continue' } }),
    200,
  )
  assert.deepEqual(new Set(api.reached), new Set([`POST /orders ${good}`]))
  assert.equal(api.reached.length, 3)
  const outside = [
    '{"kind":"express","count":1}',
    '{"kind":"standard"}',
    '{"kind":"standard","count":"1"}',
    '{"kind":"standard","count":3}',
    '{}',
  ]
  for (const body of outside) assert.equal(await send(json(body)), 403, body)
  const unfit = [
    '',
    '[]',
    'null',
    '{"kind":"standard","count":1,"count":9}',
    '{"kind":"standard","count":1',
    '{"kind":"standard","count":1}{}',
  ]
  for (const body of unfit) assert.equal(await send(json(body)), 400, body)
  assert.equal(await send(json('{"kind":"standard","count":1}', 'application/x-www-form-urlencoded')), 400)
  assert.equal(
    await send({
      ...json('{"kind":"standard","count":1}'),
      headers: { 'content-type': 'application/json', 'content-encoding': 'identity' },
    }),
    400,
  )
  assert.equal(await send(json(`{"kind":"standard","count":1,"x":"${'x'.repeat(1_100_000)}"}`)), 413)
  assert.equal(api.reached.length, 3, 'a refused request reached the API')
})

test('the policy in force counts at the next request, also for a token from before', async (t) => {
  const { site, broker, api, token, call } = await start(t)
  const write = await token('orders:write')
  assert.equal((await call(write, 'DELETE /orders/7')).status, 200)
  const file = join(site.folder, 'policies/site.policy.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"* /orders/**"', '"POST|PUT /orders/**"'))
  await broker.reloadPolicy()
  assert.equal((await call(write, 'DELETE /orders/7')).status, 403)
  assert.equal((await call(write, 'PUT /orders/7', { body: 'x' })).status, 200)
  assert.deepEqual(api.reached, ['DELETE /orders/7', 'PUT /orders/7 x'])
})

test('a target that lists no requests carries all of them', async (t) => {
  const { staging, token, call } = await start(t)
  const any = await token('', 'orders-api-staging')
  for (const line of ['GET /', 'DELETE /orders/7', 'POST /x/y'])
    assert.equal((await call(any, line, {}, staging)).status, 200)
})
