/** What is switched off, revoked or spent stops at the next request of open connections, at all kinds of routes, on two replicas. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { githubFor } from '../fakes/github.ts'
import { modernToolServer } from '../fakes/mcp-server.ts'
import { meta, modern } from '../fakes/mcp-stage.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { database } from '../fakes/postgres-for.ts'
import { query } from '../fakes/query.ts'
import { exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: write, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  tools: { tier: staging, access: write, token: { audience: "https://tools.acme.example/" } }
  orders-db: { tier: staging, access: write, max: 20m, postgres_role: { server: staging, role: migrator, audience: "postgres://orders.acme.example" } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-api, tools, orders-db], for: 10m }
`

/** Two replicas with a route of each kind. */
async function start(t: TestContext, text = policy) {
  const admin = await database()
  await query(admin, 'CREATE ROLE migrator').catch(() => undefined)
  const reached: string[] = []
  const api = await onLoopback(t, (asked, response) => {
    reached.push(String(asked.url))
    response.end('ok')
  })
  const tools = await modernToolServer(t)
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy: text })
  writeFileSync(join(site.folder, 'admin-url'), admin)
  const routes = `connections: { postgres: { staging: { url: { file: ./admin-url } } } }
routes:
  - { kind: http, name: orders, listen: "127.0.0.1:0", target: orders-api, upstream: "${api}" }
  - { kind: mcp, name: tools, listen: "127.0.0.1:0", target: tools, servers: { orders: { url: "${tools.url}" } } }
  - { kind: postgres, name: orders-db, listen: "127.0.0.1:0", target: orders-db }
`
  for (const path of [site.config, site.replica]) appendFileSync(path, routes)
  const brokers = [await runBroker(t, site.config), await runBroker(t, site.replica)]
  const job = github.job({ ...pushJob('staging'), actor: 'Coding-Agent' })
  const other = github.job({ ...pushJob('staging'), actor: 'octocat' })
  const token = async (of: typeof job, audience: string) => {
    const { body, text } = await exchange(brokers[0]?.url ?? '', github.idTokenOf(of, site.url), { audience })
    const credential = body['credential'] as { password?: string } | undefined
    const found = credential?.password ?? body['access_token']
    assert.ok(typeof found === 'string', text)
    return found
  }
  const url = (at: number, name: string) =>
    brokers[at]?.routes.find((route) => route.name === name)?.url ?? ''
  return { site, admin, job, other, token, url, tools, reached }
}

type Stage = Awaited<ReturnType<typeof start>>

/** An open connection to each route of a replica; each call asks once more on it, and says whether it got through. */
async function open(t: TestContext, stage: Stage, at: number, of: Stage['job']) {
  const { token, url, admin } = stage
  const [api, tools, db] = await Promise.all([
    token(of, 'orders-api'),
    token(of, 'tools'),
    token(of, 'orders-db'),
  ])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  atEnd(t, () => agent.destroy())
  const ask = async (place: string, bearer: string, body?: string, headers: Record<string, string> = {}) => {
    const sent = request(place, {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${bearer}`, ...headers },
    })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
    let said = ''
    for await (const piece of answer) said += String(piece)
    // A tool whose call was not made has a result that says so.
    return answer.statusCode === 200 && !/"isError":\s*true/.test(said)
  }
  const place = new URL(url(at, 'orders-db'))
  const client = new pg.Client({
    connectionString: `postgres://job:${encodeURIComponent(db)}@${place.host}${new URL(admin).pathname}`,
  })
  client.on('error', () => {})
  await client.connect()
  atEnd(t, () => client.end().catch(() => undefined))
  const call = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'search_orders', arguments: {}, _meta: meta() },
  })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...modern('tools/call', 'search_orders'),
  }
  return {
    http: () => ask(`${url(at, 'orders')}/orders`, api),
    mcp: () => ask(`${url(at, 'tools')}/orders`, tools, call, headers),
    postgres: () =>
      client.query('SELECT 1').then(
        () => true,
        () => false,
      ),
  }
}

const all = async (opened: Awaited<ReturnType<typeof open>>) => [
  await opened.http(),
  await opened.mcp(),
  await opened.postgres(),
]

test('an agent, a job, a repository: off at the next request on open connections, on both replicas, and nobody else is', async (t) => {
  for (const what of ['actor', 'job', 'repository'] as const) {
    const stage = await start(t)
    const mine = [await open(t, stage, 0, stage.job), await open(t, stage, 1, stage.job)]
    const theirs = what === 'repository' ? undefined : await open(t, stage, 1, stage.other)
    for (const each of [...mine, ...(theirs ? [theirs] : [])])
      assert.deepEqual(await all(each), [true, true, true], what)
    const before = [stage.reached.length, stage.tools.calls.length]
    const office = await openOfficeFromFile({ path: stage.site.config, env: {}, writeLog: () => undefined })
    const id = String(stage.job.claims['check_run_id'])
    if (what === 'job') await office.endJob({ issuer: 'github', id })
    else await office.switchOff({ of: what, name: what === 'actor' ? 'coding-agent' : 'acme/shop' })
    await office.close()
    for (const each of mine) assert.deepEqual(await all(each), [false, false, false], what)
    assert.deepEqual([stage.reached.length, stage.tools.calls.length], before, what)
    if (theirs !== undefined) assert.deepEqual(await all(theirs), [true, true, true], what)
    await assert.rejects(stage.token(stage.job, 'orders-api'))
  }
})

test('revoked leases: over at the next request on open connections, on both replicas, and new ones can be had', async (t) => {
  const stage = await start(t)
  const mine = [await open(t, stage, 0, stage.job), await open(t, stage, 1, stage.job)]
  const theirs = await open(t, stage, 1, stage.other)
  for (const each of [...mine, theirs]) assert.deepEqual(await all(each), [true, true, true])
  const office = await openOfficeFromFile({ path: stage.site.config, env: {}, writeLog: () => undefined })
  assert.equal((await office.endLeases({ actor: 'coding-agent' })).length, 6)
  await office.close()
  for (const each of mine) assert.deepEqual(await all(each), [false, false, false])
  assert.deepEqual(await all(theirs), [true, true, true])
  assert.deepEqual(await all(await open(t, stage, 0, stage.job)), [true, true, true])
})

test('a spent budget: nothing more on open connections of either replica, and another job has its own', async (t) => {
  const budgets = policy.replaceAll(
    /(orders-api|tools|orders-db): \{ tier: staging,/g,
    '$& budget: { calls: 4 },',
  )
  const stage = await start(t, budgets)
  const [one, two] = [await open(t, stage, 0, stage.job), await open(t, stage, 1, stage.job)]
  for (const each of [one, two, two, one]) assert.deepEqual(await all(each), [true, true, true])
  const before = [stage.reached.length, stage.tools.calls.length]
  for (const each of [one, two]) assert.deepEqual(await all(each), [false, false, false])
  assert.deepEqual([stage.reached.length, stage.tools.calls.length], before)
  // A token that is new is the same job's.
  assert.deepEqual(await all(await open(t, stage, 1, stage.job)), [false, false, false])
  assert.deepEqual(await all(await open(t, stage, 0, stage.other)), [true, true, true])
})
