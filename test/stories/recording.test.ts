/** What a target's `record` says: each request of a job is in the log, or none, and `audit show` tells them again. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { serverOnLoopback } from '../fakes/on-loopback.ts'
import { accessToken, ask, exchange, type Said } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = (record: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: write, record: ${record}, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: write, token: { audience: "https://orders.staging.acme.example" } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-api, orders-api-staging], for: 10m }
`

async function start(t: TestContext, record: string) {
  const github = await githubFor(t)
  const reached: string[] = []
  const { url: api, server } = await serverOnLoopback(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    reached.push(`${request.method} ${request.url}`)
    response.statusCode = request.url === '/gone' ? 404 : 200
    if (request.url === '/chunks') response.write('a')
    response.end(body === '' ? 'ok' : body)
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => sockets.handleUpgrade(request, socket, head, () => {}))
  const site = await makeSite(t, {
    issuers: { github: github.issuer },
    policy: policy(record),
    upstream: api,
  })
  const broker = await runBroker(t, site.config)
  const [orders = '', staging = ''] = broker.routes.map(({ url }) => url)
  const token = async (audience = 'orders-api') =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), { audience }),
    )
  const call = (bearer: string, line: string, said: Said = {}, base = orders) => {
    const [method = '', path = ''] = line.split(' ')
    return ask(base + path, { ...said, method, headers: { authorization: `Bearer ${bearer}` } })
  }
  return { site, broker, reached, orders, staging, token, call, sockets }
}

/** The store says no to every entry until it is told otherwise. */
function refuseEntries(t: TestContext, folder: string): () => void {
  const database = new DatabaseSync(join(folder, 'mayfly.db'))
  database.exec("CREATE TRIGGER no BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
  const accept = () => {
    if (!database.isOpen) return
    database.exec('DROP TRIGGER no')
    database.close()
  }
  atEnd(t, accept)
  return accept
}

interface RequestEntry {
  readonly type: string
  readonly id: string
  readonly request?: string
  readonly carried?: { readonly method: string; readonly path: string; readonly query?: readonly string[] }
  readonly outcome?: {
    readonly status: number
    readonly in: number
    readonly out: number
    readonly ms: number
  }
}

async function told(config: string) {
  const { text, entries } = await exportedLog(config)
  const requests = entries.filter(({ type }) => /^route\.(request|answered)$/.test(type)) as RequestEntry[]
  return { text, entries, requests }
}

const lineOf = ({ carried, outcome }: RequestEntry) =>
  `${carried?.method} ${carried?.path}${carried?.query === undefined ? '' : ` ${carried.query.join(',')}`}: ${outcome?.status} ${outcome?.in} ${outcome?.out}`

test('best_effort: each request has an entry with its answer, and audit show tells the job from begin to end', async (t) => {
  const { site, broker, token, call } = await start(t, 'best_effort')
  const bearer = await token()
  await call(bearer, 'GET /orders?page=2&all')
  await call(bearer, 'POST /orders', { body: 'twelve bytes' })
  await call(bearer, 'GET /gone')
  await call(bearer, 'GET /chunks')
  await ask(`${broker.url}/revoke`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${bearer}`,
  })
  await call(bearer, 'DELETE /orders/1')
  await broker.close()
  const { text, requests, entries } = await told(site.config)
  assert.deepEqual(requests.map(lineOf), [
    'GET /orders page,all: 200 0 2',
    'POST /orders: 200 12 12',
    'GET /gone: 404 0 2',
    'GET /chunks: 200 0 3',
  ])
  assert.ok(requests.every(({ type, outcome }) => type === 'route.request' && (outcome?.ms ?? -1) >= 0))
  const lease = entries.find(({ type }) => type === 'credential.issued')?.lease
  const file = join(site.folder, 'log.jsonl')
  writeFileSync(file, text)
  const [{ job }] = entries.filter(({ type }) => type === 'route.request') as unknown as [
    { job: { issuer: string; id: string } },
  ]
  const shown = await mayfly(['audit', 'show', '--log', file, '--job', `${job.issuer}/${job.id}`])
  const lines = shown.stdout.trim().split('\n').slice(1)
  const expected = [
    /got orders-api/,
    /let in at orders: GET \/orders/,
    /at orders: GET \/orders\?page=\.\.\.&all=\.\.\. -> 200, 2 bytes out, [0-9]+ ms/,
    /at orders: POST \/orders -> 200, 12 bytes in, 12 bytes out/,
    /at orders: GET \/gone -> 404/,
    /at orders: GET \/chunks -> 200, 3 bytes out/,
    /orders-api ended: revoked, by caller/,
    /refused at orders: DELETE \/orders\/1/,
  ]
  assert.equal(lines.length, expected.length, shown.stdout)
  for (const [at, pattern] of expected.entries()) assert.match(lines[at] ?? '', pattern)
  assert.ok(lines.every((line) => line.includes(String(lease))))
})

test('required: nothing is forwarded that could not be written down first, and the answer stands with its request', async (t) => {
  const { site, broker, reached, token, call } = await start(t, 'required')
  const bearer = await token()
  assert.equal((await call(bearer, 'GET /orders')).status, 200)
  const before = (await told(site.config)).requests
  assert.equal(before[0]?.carried?.path, '/orders')
  const accept = refuseEntries(t, site.folder)
  const refused = await call(bearer, 'POST /orders', { body: 'x' })
  assert.equal(refused.status, 503)
  assert.deepEqual(reached, ['GET /orders'])
  accept()
  assert.equal((await call(bearer, 'POST /orders', { body: 'x' })).status, 200)
  await broker.close()
  const { requests, text } = await told(site.config)
  const answers = requests.filter(({ type }) => type === 'route.answered')
  const asked = requests.filter(({ type }) => type === 'route.request')
  assert.deepEqual(
    asked.map(({ carried, outcome }) => [carried?.method, outcome]),
    [
      ['GET', undefined],
      ['POST', undefined],
    ],
  )
  assert.deepEqual(new Set(answers.map(({ request }) => request)), new Set(asked.map(({ id }) => id)))
  assert.ok(answers.every(({ outcome }) => outcome?.status === 200))
  const file = join(site.folder, 'log.jsonl')
  writeFileSync(file, text)
  const lease = /"lease":"(ls_[a-z0-9]+)"/.exec(text)?.[1] ?? ''
  const shown = (await mayfly(['audit', 'show', '--log', file, '--lease', lease])).stdout
  assert.match(shown, /at orders: POST \/orders -> 200, 1 bytes in, 1 bytes out/)
  assert.doesNotMatch(shown, /an answer to/)
})

test('best_effort goes on while the store refuses, and writes when it can', async (t) => {
  const { site, broker, reached, token, call } = await start(t, 'best_effort')
  const bearer = await token()
  await call(bearer, 'GET /orders')
  const accept = refuseEntries(t, site.folder)
  assert.equal((await call(bearer, 'GET /orders/1')).status, 200)
  assert.deepEqual(reached, ['GET /orders', 'GET /orders/1'])
  accept()
  await broker.close()
  const { requests } = await told(site.config)
  assert.deepEqual(requests.map(lineOf), ['GET /orders: 200 0 2', 'GET /orders/1: 200 0 2'])
})

test('a WebSocket is one request, and ends where its connection does', async (t) => {
  const { site, broker, token, orders, sockets } = await start(t, 'required')
  const bearer = await token()
  const socket = new WebSocket(`${orders.replace('http', 'ws')}/watch?token=hunter2`, {
    headers: { authorization: `Bearer ${bearer}` },
  })
  await once(socket, 'open')
  assert.equal((await told(site.config)).requests[0]?.carried?.path, '/watch')
  for (const each of sockets.clients) each.close()
  await once(socket, 'close')
  const accept = refuseEntries(t, site.folder)
  const refused = new WebSocket(`${orders.replace('http', 'ws')}/watch`, {
    headers: { authorization: `Bearer ${bearer}` },
  })
  const [thrown] = await once(refused, 'error')
  assert.match(String(thrown), /503/)
  accept()
  await broker.close()
  const { requests, text } = await told(site.config)
  assert.deepEqual(
    requests.map(({ type, outcome }) => [type, outcome?.status]),
    [
      ['route.request', undefined],
      ['route.answered', 101],
    ],
  )
  assert.ok(!text.includes('hunter2'))
})

test('a target that says nothing has its first admission alone, as before', async (t) => {
  const { site, broker, staging, token, call } = await start(t, 'refusals')
  for (const [audience, base] of [['orders-api'], ['orders-api-staging', staging]] as const) {
    const bearer = await token(audience)
    for (let i = 0; i < 3; i++) assert.equal((await call(bearer, 'GET /orders', {}, base)).status, 200)
  }
  await broker.close()
  const { requests, entries } = await told(site.config)
  assert.deepEqual(requests, [])
  assert.equal(entries.filter(({ type }) => type === 'route.admitted').length, 2)
})

test('no secret of a query or a path is in the log, whatever it looks like', async (t) => {
  for (const record of ['best_effort', 'required']) {
    const { site, broker, token, call } = await start(t, record)
    const bearer = await token()
    const secrets = [
      randomBytes(32).toString('base64url'),
      randomBytes(20).toString('hex'),
      `ghp_${randomBytes(18).toString('hex')}`,
      bearer,
      'correct-horse',
    ]
    for (const secret of secrets) {
      await call(bearer, `GET /orders?key=${secret}&${secret}=1&${secret}`)
      await call(bearer, `GET /tokens/${secret}/uses;id=${secret}?a=1;b=${secret}`)
      if (secret !== 'correct-horse') await call(bearer, `GET /orders/${secret}/%6cines`)
    }
    await call(bearer, `GET /orders/${'%ff'.repeat(5)}`)
    await call(bearer, `GET /orders?${'a=1&'.repeat(2000)}`)
    await broker.close()
    const { text, requests } = await told(site.config)
    for (const secret of secrets.slice(0, 4)) assert.ok(!text.includes(secret), secret)
    assert.equal(requests.filter(({ type }) => type === 'route.request').length, 15)
    const paths = new Set(requests.map(({ carried }) => carried?.path))
    assert.ok(paths.has('/orders/[redacted]/lines') && paths.has('/tokens/[redacted]/uses;id=[redacted]'))
    assert.ok(text.split('\n').every((line) => line.length < 8_192))
  }
})
