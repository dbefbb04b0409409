/** What a job may use of a target is counted for the job, on all replicas, in all three kinds of routes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { WebSocket, WebSocketServer } from 'ws'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { legacyToolServer, modernToolServer } from '../fakes/mcp-server.ts'
import { meta, modern, openMcpStage } from '../fakes/mcp-stage.ts'
import { serverOnLoopback } from '../fakes/on-loopback.ts'
import { startRoute } from '../fakes/postgres-route.ts'
import { query } from '../fakes/query.ts'
import { exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

/** Two replicas with a route `orders` in front of an API, and jobs with tokens for it. */
async function startHttp(t: TestContext, budget: string, scopes = '') {
  const reached: string[] = []
  const { url: upstream, server } = await serverOnLoopback(t, (request, response) => {
    let size = 0
    request.on('data', (piece: Buffer) => {
      size += piece.length
    })
    request.on('end', () => {
      reached.push(`${request.method} ${request.url} ${size}`)
      response.end('x'.repeat(Number(new URL(request.url ?? '/', 'http://a').searchParams.get('size') ?? 2)))
    })
  })
  const github = await githubFor(t)
  const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-api: { tier: staging, ${scopes === '' ? 'access: write, ' : ''}budget: ${budget}, token: { audience: "https://orders.acme.example"${scopes} } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: orders-api, for: 10m }
`
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, upstream })
  const brokers = [await runBroker(t, site.config), await runBroker(t, site.replica)] as const
  const urls = brokers.map(({ routes }) => routes.find(({ name }) => name === 'orders')?.url ?? '')
  const job = github.job(pushJob('staging'))
  const token = async (of = job) => {
    const { body, text } = await exchange(brokers[0].url, github.idTokenOf(of, site.url), {
      audience: 'orders-api',
    })
    assert.ok(typeof body['access_token'] === 'string', text)
    return body['access_token']
  }
  const call = async (at: number, bearer: string, path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${urls[at]}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${bearer}` },
    })
    return { status: answer.status, text: await answer.text() }
  }
  return { github, site, brokers, urls, job, token, call, reached, server }
}

test('calls are counted for the job: over replicas, tokens and open connections, and no other job pays', async (t) => {
  const { call, token, reached, github, site, job } = await startHttp(t, '{ calls: 10, writes: 2 }')
  const first = await token()
  const second = await token()
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, at) => call(at % 2, at % 3 === 0 ? first : second, '/orders')),
  )
  const passed = answers.filter(({ status }) => status === 200).length
  assert.deepEqual([passed, reached.length], [10, 10])
  const refused = answers.find(({ status }) => status === 403)
  assert.match(refused?.text ?? '', /used up the calls/)
  const other = await token(github.job(pushJob('staging')))
  assert.equal((await call(0, other, '/orders', { method: 'POST', body: 'a' })).status, 200)
  assert.equal((await call(1, other, '/orders', { method: 'POST', body: 'a' })).status, 200)
  assert.match((await call(1, other, '/orders', { method: 'POST', body: 'a' })).text, /used up the writes/)
  assert.equal((await call(1, other, '/orders')).status, 200, 'what reads still may')
  const sibling = github.job({
    ...pushJob('staging'),
    run_id: String(job.claims['run_id']),
    run_attempt: String(job.claims['run_attempt']),
  })
  assert.equal((await call(0, await token(sibling), '/orders')).status, 200, 'another job of the same run')
  const { entries } = await exportedLog(site.config)
  const spent = entries.filter(({ type, code }) => type === 'route.refused' && code === 'budget_spent')
  assert.ok(spent.some(({ reason }) => reason === 'the writes of the budget are spent'))
  assert.ok(spent.some(({ reason }) => reason === 'the calls of the budget are spent'))
})

test('bytes of bodies are counted as they flow, both ways, and nothing passes that is not there', async (t) => {
  const { call, token, reached } = await startHttp(t, '{ bytes: 200kB }')
  const bearer = await token()
  assert.equal(
    (await call(0, bearer, '/a?size=90000', { method: 'POST', body: 'x'.repeat(9_998) })).status,
    200,
  )
  // 100,002 are left.
  await assert.rejects(call(1, bearer, '/b?size=500000'), 'an answer is cut where the budget ends')
  const after = await call(0, bearer, '/c?size=1').catch(() => ({ status: 0 }))
  assert.ok([0, 200].includes(after.status))
  assert.equal((await call(0, bearer, '/d', { method: 'POST', body: 'x'.repeat(400_000) })).status, 403)
  assert.ok(!reached.some((line) => line.startsWith('POST /d 4')), reached.join())
})

test('a budget that the policy takes away or gives counts at the next request', async (t) => {
  const { call, token, site, brokers } = await startHttp(t, '{ calls: 1 }')
  const bearer = await token()
  assert.equal((await call(0, bearer, '/')).status, 200)
  assert.equal((await call(0, bearer, '/')).status, 403)
  const file = join(site.folder, 'policies/site.policy.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('{ calls: 1 }', '{ calls: 2 }'))
  await brokers[0].reloadPolicy()
  assert.equal((await call(0, bearer, '/')).status, 200)
  assert.equal((await call(0, bearer, '/')).status, 403)
})

test('minutes run from the first use; an open socket ends with the bytes', async (t) => {
  const { call, token, urls, server } = await startHttp(t, '{ minutes: 0 }')
  const bearer = await token()
  assert.match((await call(0, bearer, '/')).text, /used up the minutes/)
  assert.ok(urls.length === 2 && server.listening)
  const sockets = await startHttp(t, '{ bytes: 5000 }')
  const echo = new WebSocketServer({ server: sockets.server })
  atEnd(t, () => void echo.close())
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
  const client = new WebSocket(`${sockets.urls[0]?.replace('http', 'ws')}/`, {
    headers: { authorization: `Bearer ${await sockets.token()}` },
  })
  await once(client, 'open')
  let heard = 0
  client.on('message', (data) => {
    heard += String(data).length
  })
  client.on('error', () => {})
  const closed = once(client, 'close')
  client.on('message', () => client.send('y'.repeat(500)))
  client.send('y'.repeat(500))
  await closed
  // Each round is 1,012 bytes: 508 with a mask one way, 504 back.
  assert.equal(heard, 2000)
})

test('statements, writes and rows of a database: both protocols, both replicas, and the session goes on', async (t) => {
  const target = ', budget: { calls: 11, writes: 2, rows: 100 }'
  const { get, urlWith, admin, site, place } = await startRoute(t, { aside: target })
  await query(
    admin,
    'CREATE TABLE lines (n int); INSERT INTO lines SELECT generate_series(1, 1000); GRANT ALL ON lines TO migrator',
  )
  const other = await runBroker(t, site.replica)
  const { token } = await get()
  const far = new URL(other.routes.find(({ name }) => name === 'orders-db')?.url ?? '')
  const [one, two] = [place, far].map((at) => new pg.Client({ connectionString: urlWith(token, at) }))
  assert.ok(one !== undefined && two !== undefined)
  for (const client of [one, two]) {
    client.on('error', () => {})
    await client.connect()
  }
  await one.query('INSERT INTO lines VALUES (0)')
  const late = { name: 'late', text: 'INSERT INTO lines VALUES ($1)', values: [1] }
  await two.query(late)
  await assert.rejects(two.query(late), /53400|used up the writes/)
  await assert.rejects(one.query('SELECT 1; DELETE FROM lines'), /used up the writes/)
  assert.equal((await query(admin, 'SELECT count(*)::int AS n FROM lines')).rows[0].n, 1002)
  assert.equal((await two.query('SELECT n FROM lines LIMIT 40')).rows.length, 40)
  assert.equal((await one.query({ text: 'SELECT n FROM lines LIMIT 60', values: [] })).rows.length, 60)
  await assert.rejects(one.query('SELECT 1 AS one'), /used up the rows/)
  for (let at = 0; at < 6; at++) await two.query("SET statement_timeout = '9s'")
  await assert.rejects(two.query("SET statement_timeout = '9s'"), /used up the calls/)
  await assert.rejects(
    two.query({ name: 'again', text: 'SELECT 1 WHERE false', values: [] }),
    /used up the calls/,
  )
  await two.end()
})

test('calls of tools are counted, those that write too; a list is none, and a model hears why', async (t) => {
  const budget = '{ calls: 3, writes: 1, bytes: 4000 }'
  const { token, say, server, site } = await openMcpStage(t, await modernToolServer(t), { budget })
  const bearer = await token('orders:read orders:sample')
  const call = async (name: string, args: object) => {
    const params = { name, arguments: args, _meta: meta() }
    const { status, text } = await say(bearer, { method: 'tools/call', params }, modern('tools/call', name))
    return `${status} ${text}`
  }
  const list = () => say(bearer, { method: 'tools/list', params: { _meta: meta() } }, modern('tools/list'))
  for (let round = 0; round < 5; round++) assert.equal((await list()).status, 200)
  assert.match(await call('create_order', { kind: 'sample' }), /create_order done/)
  assert.match(await call('create_order', { kind: 'sample' }), /"isError":true.*used up the writes/)
  assert.match(await call('search_orders', {}), /search_orders done/)
  assert.match(await call('search_orders', { text: 'x'.repeat(4000) }), /used up the bytes/)
  assert.match(await call('search_orders', {}), /used up the calls/)
  assert.deepEqual(server.calls, ['create_order {"kind":"sample"}', 'search_orders {}'])
  const { entries } = await exportedLog(site.config)
  assert.equal(entries.filter(({ code }) => code === 'budget_spent').length, 3)
})

test('what may change something is said by the access of the scope that lists it', async (t) => {
  const scopes =
    ', scopes: { look: { access: read, safe: true, requests: ["GET /orders", "POST /search"] }, act: { access: write, requests: ["GET /run", "POST /orders"] } }'
  const { call, token } = await startHttp(t, '{ writes: 2 }', scopes)
  const bearer = await token()
  const post = { method: 'POST', body: 'a' }
  for (let round = 0; round < 4; round++) {
    assert.equal((await call(0, bearer, '/search', post)).status, 200, 'it only asks')
    assert.equal((await call(0, bearer, '/orders')).status, 200)
  }
  assert.equal((await call(0, bearer, '/run')).status, 200, 'a GET that does something')
  assert.equal((await call(0, bearer, '/orders', post)).status, 200)
  assert.match((await call(0, bearer, '/run')).text, /used up the writes/)
})

test('a result that comes as a stream of events is counted before the model has it', async (t) => {
  const { token, say, server } = await openMcpStage(t, await legacyToolServer(t), {
    budget: '{ bytes: 400 }',
  })
  const bearer = await token('orders:read')
  const begun = await say(bearer, {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  })
  assert.equal(begun.status, 200, begun.text)
  const session = {
    'mcp-session-id': String(begun.headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  }
  const call = () =>
    say(bearer, { method: 'tools/call', params: { name: 'search_orders', arguments: {} } }, session).then(
      ({ text }) => text,
      () => 'cut',
    )
  const answers = [await call(), await call(), await call(), await call()]
  assert.match(answers[0] ?? '', /search_orders done/)
  assert.ok(
    answers.some((text) => !text.includes('search_orders done')),
    answers.join(),
  )
  const passed = answers.filter((text) => text.includes('search_orders done')).length
  // What the server did before its result was counted is not undone; the model does not hear of it.
  assert.ok(server.calls.length <= passed + 1, `${server.calls.length} ${passed}`)
})
