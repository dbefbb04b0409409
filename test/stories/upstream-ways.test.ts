/** Every way to an upstream with all that a route adds: WebSockets, TLS and connectors, to one place of several. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, Server } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { decodeJwt } from 'jose'
import { WebSocket, WebSocketServer } from 'ws'
import { dial } from '../../packages/cli/src/connect/dial.ts'
import { readPlaces } from '../../packages/cli/src/connect/places.ts'
import { serve } from '../../packages/cli/src/connect/serving.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { type Certificate, selfSigned } from '../fakes/certificate.ts'
import { freePort } from '../fakes/free-port.ts'
import { githubFor } from '../fakes/github.ts'
import { serverOnLoopback } from '../fakes/on-loopback.ts'
import { accessToken, ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: write, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  connectors: { tier: staging, token: { audience: "https://mayfly.acme.example/connectors", scopes: { serve:office: write } } }
grants:
  - name: shop
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [orders-api, orders-api-staging, { target: connectors, scopes: [serve:office] }]
    for: 10m
`

async function start(t: TestContext, settings: string, files: Readonly<Record<string, string>> = {}) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(site.folder, name), text)
  appendFileSync(
    site.config,
    `connectors: { office: { target: connectors } }
routes: [{ kind: http, name: api, listen: "127.0.0.1:0", target: orders-api, ${settings} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const tokenFor = async (audience: string) =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), { audience }),
    )
  const token = await tokenFor('orders-api')
  const url = broker.routes.find(({ name }) => name === 'api')?.url ?? ''
  const headers = { authorization: `Bearer ${token}` }
  const post = async () => (await ask(`${url}/orders`, { method: 'POST', headers })).status
  return { broker, url, headers, post, tokenFor, token }
}

/** Opens one, and says the status where it is refused. */
async function open(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/watch`, { headers: { ...headers } })
  const [status] = await Promise.race([
    once(socket, 'open').then(() => [101]),
    once(socket, 'unexpected-response').then(([, answer]) => [answer.statusCode]),
  ])
  socket.on('error', () => {})
  socket.terminate()
  return status
}

function watched(t: TestContext, server: Server): IncomingHttpHeaders[] {
  const seen: IncomingHttpHeaders[] = []
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    seen.push(request.headers)
    sockets.handleUpgrade(request, socket, head, () => {})
  })
  atEnd(t, () => {
    for (const each of sockets.clients) each.terminate()
  })
  return seen
}

async function secureServer(t: TestContext, pair: Certificate) {
  const lines: string[] = []
  const server = createServer({ ...pair }, (request, response) => {
    lines.push(`${request.method} ${request.url}`)
    response.end('ok')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  return { server, lines, port: (server.address() as AddressInfo).port }
}

test('a WebSocket has the secret and the assertion, and goes to a place that can be reached', async (t) => {
  const { url: good, server } = await serverOnLoopback(t, (_, response) => response.end())
  const seen = watched(t, server)
  const dead = `http://127.0.0.1:${await freePort()}`
  const { url, headers, token, broker } = await start(
    t,
    `upstream: ["${dead}", "${good}"], assertion: true, inject: { bearer: { file: ./secret } }`,
    { secret: 's3cret-of-the-api' },
  )
  const forged = { ...headers, 'x-mayfly-assertion': 'forged', x_mayfly_assertion: 'forged' }
  for (let turn = 0; turn < 3; turn++) assert.equal(await open(url, forged), 101)
  assert.equal(seen.length, 3)
  for (const each of seen) {
    assert.equal(each.authorization, 'Bearer s3cret-of-the-api')
    assert.equal(decodeJwt(String(each['x-mayfly-assertion'])).aud, dead, 'the first origin names them all')
    assert.ok(!JSON.stringify(each).includes('forged') && !JSON.stringify(each).includes(token))
  }
  assert.match(broker.lines.join(''), /could not be reached and rests/)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await open(url, headers), 502, 'nobody is left')
})

test('a place that proves nothing, or hangs up before it does, has seen nothing of a POST', async (t) => {
  const right = selfSigned('127.0.0.1')
  const good = await secureServer(t, right)
  const wrong = await secureServer(t, selfSigned('127.0.0.1'))
  const mute = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  atEnd(t, () => mute.close())
  const ports = [good.port, wrong.port, (mute.address() as AddressInfo).port]
  const list = ports.map((port) => `"https://127.0.0.1:${port}"`).join(', ')
  const { post, url, headers } = await start(
    t,
    `upstream: [${list}], upstream_tls: { ca: { file: ./ca.pem } }`,
    {
      'ca.pem': right.cert,
    },
  )
  for (let turn = 0; turn < 6; turn++) assert.equal(await post(), 200)
  assert.equal(good.lines.length, 6)
  assert.deepEqual(wrong.lines, [])
  const seen = watched(t, good.server)
  for (let turn = 0; turn < 3; turn++) assert.equal(await open(url, headers), 101)
  assert.equal(seen.length, 3)
})

test('through a connector the upstream proves its own name, and what it does not serve is passed over', async (t) => {
  const name = 'orders.internal.example'
  const right = selfSigned('127.0.0.1', Date.now(), name)
  const good = await secureServer(t, right)
  const settings = `upstream: ["https://gone:8443", "https://orders:8443"], via: office,
    upstream_tls: { ca: { file: ./ca.pem }, server_name: ${name} }`
  const { post, url, headers, broker, tokenFor } = await start(t, settings, { 'ca.pem': right.cert })
  assert.equal(await post(), 503, 'no connector is there')
  assert.doesNotMatch(broker.lines.join(''), /rests/, 'that says nothing of a place')
  const socket = await dial(broker.url, 'office', await tokenFor('connectors'), t.signal)
  const served = serve(socket, readPlaces([`orders:8443=127.0.0.1:${good.port}`]), () => {})
  for (let turn = 0; turn < 4; turn++) assert.equal(await post(), 200)
  const seen = watched(t, good.server)
  for (let turn = 0; turn < 2; turn++) assert.equal(await open(url, headers), 101)
  assert.equal(seen.length, 2)
  served.cut()
})

test('through a connector a certificate of another name gets no request', async (t) => {
  const other = selfSigned('127.0.0.1', Date.now(), 'other.internal.example')
  const bad = await secureServer(t, other)
  const settings = `upstream: "https://orders:8443", via: office, upstream_tls: { ca: { file: ./ca.pem } }`
  const { post, broker, tokenFor } = await start(t, settings, { 'ca.pem': other.cert })
  const socket = await dial(broker.url, 'office', await tokenFor('connectors'), t.signal)
  const served = serve(socket, readPlaces([`orders:8443=127.0.0.1:${bad.port}`]), () => {})
  assert.equal(await post(), 502)
  assert.deepEqual(bad.lines, [])
  served.cut()
})

test('a place that switches protocols when it is asked is unwell, and asked again', async (t) => {
  let isSick = true
  const place = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () =>
      socket.end(
        isSick
          ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'
          : 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
      ),
    )
  }).listen(0, '127.0.0.1')
  await once(place, 'listening')
  atEnd(t, () => place.close())
  const { url: good } = await serverOnLoopback(t, (_, response) => response.end())
  const list = `["http://127.0.0.1:${(place.address() as AddressInfo).port}", "${good}"]`
  const { broker } = await start(t, `upstream: ${list}, health: { path: /well, interval: 1s, timeout: 1s }`)
  const until = async (words: RegExp, read: () => Promise<string>) => {
    for (let turn = 0; turn < 400 && !words.test(await read()); turn++)
      await new Promise((resolve) => setTimeout(resolve, 25))
    assert.match(await read(), words)
  }
  const says = (words: RegExp) => until(words, async () => broker.lines.join(''))
  // What is measured is shared for a second.
  const measured = (first: number) =>
    until(
      new RegExp(`_up{route="api",upstream="0"} ${first}\n.*_up{route="api",upstream="1"} 1\n`),
      async () => (await ask(`${broker.url}/metrics`)).text,
    )
  await says(/an upstream is not well/)
  await measured(0)
  isSick = false
  await says(/an upstream is well again/)
  await measured(1)
})

/** A port that listens, where nobody takes a connection and no more fit in the queue: what dials it waits. */
async function silentPort(t: TestContext): Promise<number> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`,
    { eval: true },
  )
  const [port] = await once(worker, 'message')
  atEnd(t, async () => void (await worker.terminate()))
  for (let count = 0; count < 16; count++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    atEnd(t, () => socket.destroy())
    const late = new Promise((resolve) => setTimeout(resolve, 700, 'late'))
    if ((await Promise.race([once(socket, 'connect'), late])) === 'late') return port
  }
  throw new Error('the queue never filled')
}

test('a place that takes no connection costs its time once, and then rests', async (t) => {
  const silent = await silentPort(t)
  const { url: good, server } = await serverOnLoopback(t, (_, response) => response.end())
  const seen = watched(t, server)
  const list = `["http://127.0.0.1:${silent}", "${good}"]`
  const { post, url, headers, broker } = await start(t, `upstream: ${list}, idle_timeout: 1s`)
  const get = async () => (await ask(`${url}/orders`, { headers })).status
  const all = [get(), get(), post(), post(), open(url, headers), open(url, headers)]
  assert.deepEqual(await Promise.all(all), [200, 200, 200, 200, 101, 101])
  assert.equal(seen.length, 2)
  assert.equal(broker.lines.join('').split('could not be reached and rests').length, 2)
})
