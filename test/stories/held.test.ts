/** A call that the policy holds waits until somebody approves it: that one call, while lease and policy still allow it. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { modernToolServer } from '../fakes/mcp-server.ts'
import { meta, modern } from '../fakes/mcp-stage.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, ask, exchange } from '../fakes/requests.ts'
import { loadSite, runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api:
    tier: staging
    token:
      audience: "https://orders.acme.example"
      scopes:
        look: { access: read, requests: ["GET /**"] }
        small: { access: write, requests: [{ request: POST /refunds, body: { /size: small } }] }
        big: { access: write, requests: [{ request: POST /orders, body: { /size: big } }], hold: true }
        refund: { access: write, requests: ["POST /refunds", "PUT /files/*", "GET /socket"], hold: true }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  tools:
    tier: staging
    token:
      audience: "https://tools.acme.example/"
      scopes: { use: { access: write, requests: ["CALL /orders/*"], hold: true } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-api, tools], for: 10m }
`

interface Asked {
  readonly id: string
  readonly action: string
  readonly lease: string
  readonly call: {
    readonly body?: { readonly json?: unknown; readonly sha256: string }
    readonly arguments?: unknown
  }
}

type Reply = { readonly status: number; readonly body?: unknown; readonly retryAfter?: number }

/** Who approves: each question is answered by `reply`. */
async function approver(t: TestContext) {
  const asked: { readonly question: Asked; readonly signature: string | undefined; readonly raw: string }[] =
    []
  let reply: (question: Asked, turn: number) => Reply | Promise<Reply> = ({ id }) => ({
    ...{ status: 200, body: { id, approved: true, by: 'grace' } },
  })
  const url = await onLoopback(t, async (request, response) => {
    const raw = await textOf(request)
    const question = JSON.parse(raw) as Asked
    asked.push({ question, raw, signature: request.headers['x-mayfly-signature-256'] as string | undefined })
    const { status, body, retryAfter } = await reply(question, asked.length)
    if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter))
    response.statusCode = status
    response.end(body === undefined ? '' : JSON.stringify(body))
  })
  const says = (next: typeof reply) => {
    reply = next
  }
  return { url, asked, says }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

async function start(t: TestContext, timeout = '20s') {
  const reached: string[] = []
  const api = await onLoopback(t, async (request, response) => {
    reached.push(`${request.method} ${request.url} ${await textOf(request)}`)
    response.end('ok')
  })
  const tools = await modernToolServer(t)
  const github = await githubFor(t)
  const who = await approver(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  writeFileSync(join(site.folder, 'approver-secret'), 'a secret of the approver')
  appendFileSync(
    site.config,
    `approvals: { url: "${who.url}/ask", secret: { file: ./approver-secret }, timeout: ${timeout} }
routes:
  - { kind: http, name: orders, listen: "127.0.0.1:0", target: orders-api, upstream: "${api}", idle_timeout: 1s }
  - { kind: mcp, name: tools, listen: "127.0.0.1:0", target: tools, servers: { orders: { url: "${tools.url}" } } }
`,
  )
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const token = async (audience: string, more: Readonly<Record<string, string>> = {}) =>
    accessToken(await exchange(broker.url, github.idTokenOf(job, site.url), { audience, ...more }))
  const urlOf = (name: string) => broker.routes.find((route) => route.name === name)?.url ?? ''
  const say = (given: string, method: string, path: string, body?: string, type = 'application/json') =>
    ask(urlOf('orders') + path, {
      method,
      headers: { authorization: `Bearer ${given}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    })
  return { site, broker, github, job, reached, who, token, say, urlOf, tools }
}

test('a held call passes once it was approved, and what is approved is what is sent', async (t) => {
  const { who, token, say, reached, site, broker } = await start(t)
  const given = await token('orders-api')
  assert.equal((await say(given, 'GET', '/orders')).status, 200)
  assert.equal(
    (await say(given, 'POST', '/refunds', '{"size":"small"}')).status,
    200,
    'another scope holds nothing',
  )
  assert.equal(who.asked.length, 0)
  const body = '{"size":"large","order":7}'
  assert.equal((await say(given, 'POST', '/refunds', body)).status, 200)
  const [first] = who.asked
  assert.equal(first?.question.action, 'POST /refunds')
  assert.deepEqual(first?.question.call.body?.json, { size: 'large', order: 7 })
  assert.doesNotMatch(first?.raw ?? '', new RegExp(given.slice(-40)), 'nobody gets the token')
  const signed = createHmac('sha256', 'a secret of the approver')
    .update(first?.raw ?? '')
    .digest('hex')
  assert.equal(first?.signature, `sha256=${signed}`)
  assert.equal((await say(given, 'PUT', '/files/a', 'not json', 'text/plain')).status, 200)
  assert.equal((await say(given, 'POST', '/orders', '{"size":"huge"}')).status, 403, 'no scope lists it')
  assert.match(String(who.asked[1]?.question.call.body?.sha256), /^[0-9a-f]{64}$/)
  assert.deepEqual(reached, [
    ...['GET /orders ', 'POST /refunds {"size":"small"}', `POST /refunds ${body}`, 'PUT /files/a not json'],
  ])
  who.says(({ id }) => ({ status: 200, body: { id, approved: false } }))
  assert.equal((await say(given, 'POST', '/orders', '{"size":"big"}')).status, 403)
  assert.equal(who.asked.pop()?.question.action, 'POST /orders', 'held by what its body says')
  await broker.close()
  const { entries } = await exportedLog(site.config)
  const told = entries.filter(({ type }) => type === 'route.held' || type === 'route.approved')
  const about = told.map((entry) => [entry.type, (entry as unknown as { approval: string }).approval])
  const [one, two] = who.asked.map(({ question }) => question.id)
  assert.deepEqual(about.pop()?.[0], 'route.held')
  assert.deepEqual(about, [
    ...[
      ['route.held', one],
      ['route.approved', one],
    ],
    ...[
      ['route.held', two],
      ['route.approved', two],
    ],
  ])
})

test('without a yes nothing reaches the upstream, and the log says why', async (t) => {
  const { who, token, say, reached, site, broker } = await start(t, '2s')
  const given = await token('orders-api')
  const noes: readonly [(question: Asked) => Reply, RegExp][] = [
    [
      ({ id }) => ({ status: 200, body: { id, approved: false, by: 'grace', reason: 'not today' } }),
      /by grace: not today/,
    ],
    [() => ({ status: 200, body: { id: 'ap_other', approved: true } }), /an answer that is none/],
    [({ id }) => ({ status: 200, body: { id, approved: 'true' } }), /an answer that is none/],
    [() => ({ status: 200 }), /an answer that is none/],
    [({ id }) => ({ status: 404, body: { id, approved: true } }), /answers 404/],
    [({ id }) => ({ status: 202, body: { id, approved: true } }), /nobody answered in time/],
    [() => ({ status: 500 }), /nobody answered in time/],
  ]
  for (const [reply] of noes) {
    who.says(reply)
    const { status, text } = await say(given, 'POST', '/refunds', '{"size":"large"}')
    assert.equal(status, 403, text)
    assert.doesNotMatch(text, /grace|today/, 'reasons are for the log')
  }
  assert.deepEqual(reached, [])
  await broker.close()
  const { entries } = await exportedLog(site.config)
  const reasons = entries
    .filter(({ type }) => type === 'route.refused')
    .map((entry) => String(entry['reason']))
  assert.equal(reasons.length, noes.length)
  for (const [at, [, reason]] of noes.entries()) assert.match(reasons[at] ?? '', reason)
  assert.ok(!entries.some(({ type }) => type === 'route.approved'))
})

test('the question is asked again until there is an answer', async (t) => {
  const { who, token, say } = await start(t)
  const given = await token('orders-api')
  who.says(({ id }, turn) =>
    turn < 5 ? { status: 202, retryAfter: 1 } : { status: 200, body: { id, approved: true } },
  )
  const begun = Date.now()
  assert.equal((await say(given, 'POST', '/refunds', '{"size":"large"}')).status, 200)
  assert.ok(Date.now() - begun > 3_500)
  assert.equal(new Set(who.asked.map(({ raw }) => raw)).size, 1, 'the same question each time')
  assert.equal(who.asked.length, 5)
})

test('who ends while somebody thinks is not let in by a late yes', async (t) => {
  const { who, token, say, reached, site } = await start(t)
  const office = await openOfficeFromFile({ path: site.config, env: {}, writeLog: () => undefined })
  atEnd(t, () => office.close())
  const given = await token('orders-api')
  who.says(async ({ id, lease }) => {
    await office.endLeases({ id: lease })
    return { status: 200, body: { id, approved: true } }
  })
  assert.equal((await say(given, 'POST', '/refunds', '{"size":"large"}')).status, 401)
  assert.deepEqual(reached, [])
})

test('a caller that leaves is no longer asked for', async (t) => {
  const { who, token, urlOf, reached } = await start(t)
  const given = await token('orders-api')
  const left = new AbortController()
  const seen = new Promise<void>((resolve) => {
    who.says(() => {
      resolve()
      return { status: 202, retryAfter: 1 }
    })
  })
  const call = fetch(`${urlOf('orders')}/refunds`, {
    method: 'POST',
    headers: { authorization: `Bearer ${given}`, 'content-type': 'application/json' },
    body: '{"size":"large"}',
    signal: left.signal,
  })
  await seen
  left.abort()
  await assert.rejects(call)
  const asked = who.asked.length
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  assert.equal(who.asked.length, asked)
  assert.deepEqual(reached, [])
})

test('a WebSocket and a tool wait like everything else', async (t) => {
  const { who, token, urlOf, tools } = await start(t)
  const given = await token('orders-api', { scope: 'refund' })
  who.says(({ id }) => ({ status: 200, body: { id, approved: false } }))
  const socket = new WebSocket(`${urlOf('orders').replace('http', 'ws')}/socket`, {
    headers: { authorization: `Bearer ${given}` },
  })
  const refused = await new Promise<number>((resolve, reject) => {
    socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode))
    socket.once('open', () => reject(new Error('it was let in')))
  })
  assert.equal(refused, 403)
  const tool = await token('tools')
  const call = async () => {
    const params = { name: 'create_order', arguments: { kind: 'sample' }, _meta: meta() }
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
    const headers = {
      ...{ ...modern('tools/call', 'create_order'), 'content-type': 'application/json' },
      ...{ accept: 'application/json, text/event-stream', authorization: `Bearer ${tool}` },
    }
    return await ask(`${urlOf('tools')}/orders`, { method: 'POST', headers, body: JSON.stringify(message) })
  }
  const before = tools.calls.length
  assert.match((await call()).text, /Nobody approved this call/)
  assert.equal(tools.calls.length, before)
  assert.deepEqual(who.asked.at(-1)?.question.call.arguments, { kind: 'sample' })
  who.says(({ id }) => ({ status: 200, body: { id, approved: true } }))
  assert.doesNotMatch((await call()).text, /Nobody approved|error/)
})

test('a policy that holds calls needs somebody who approves them', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  await assert.rejects(runBroker(t, site.config), /target `orders-api` holds calls .* no `approvals`/)
  for (const [more, fault] of [
    ['approvals: { url: "http://approver.example", secret: { file: ./approver-secret } }', /https/],
    [
      'approvals: { url: "https://a:b@approver.example", secret: { file: ./approver-secret } }',
      /credentials/,
    ],
    ['approvals: { url: "https://approver.example", secret: { file: ./short } }', /shorter than 16/],
  ] as const) {
    const other = await makeSite(t, { issuers: { github: github.issuer }, policy })
    writeFileSync(join(other.folder, 'approver-secret'), 'a secret of the approver')
    writeFileSync(join(other.folder, 'short'), 'short')
    appendFileSync(other.config, `${more}\n`)
    await assert.rejects(loadSite(other.config), fault)
  }
})
