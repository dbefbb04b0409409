/** An API in a private network: the connector dials the broker, and the broker's route reaches the API through it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type RequestListener, request } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { DialRefused, dial } from '../../packages/cli/src/connect/dial.ts'
import { readPlaces } from '../../packages/cli/src/connect/places.ts'
import { serve } from '../../packages/cli/src/connect/serving.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { startConnector } from '../fakes/connector.ts'
import { debianProgram } from '../fakes/debian-package.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { freePort } from '../fakes/free-port.ts'
import { githubFor } from '../fakes/github.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, ask, call, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  connectors:
    tier: staging
    token:
      audience: https://mayfly.acme.example/connectors
      scopes: { serve:office: write, serve:lab: write }
grants:
  - name: shop
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [orders-api, orders-api-staging, { target: connectors, scopes: [serve:office] }]
    for: 10m
  - name: lab
    who: { repo: acme/shop, branch: main, environment: lab }
    get: [{ target: connectors, scopes: [serve:lab] }]
    for: 10m
`

const heard: string[] = []

/** `over`: an API that speaks HTTP/2 alone, in the place of `listener`. */
async function start(t: TestContext, listener: RequestListener, over?: { readonly http2: string }) {
  const github = await githubFor(t)
  const api = over?.http2 ?? (await onLoopback(t, listener))
  const site = await makeSite(t, {
    ...{ issuers: { github: github.issuer }, policy, upstream: 'http://orders' },
    connectors: ['office', 'lab'],
  })
  if (over !== undefined) {
    const text = readFileSync(site.config, 'utf8')
    writeFileSync(site.config, text.replaceAll('"http://orders"', '"http://orders", upstream_http2: true'))
  }
  const broker = await runBroker(t, site.config)
  const [orders = ''] = broker.routes.map(({ url }) => url)
  const idToken = (environment = 'staging') => github.idToken({ ...pushJob(environment), aud: site.url })
  const token = async (audience = 'orders-api', environment = 'staging') =>
    accessToken(await exchange(broker.url, idToken(environment), { audience }))
  const connector = (
    more: { name?: string; environment?: string; route?: string; more?: readonly string[] } = {},
  ) =>
    startConnector(t, {
      ...{ folder: site.folder, url: site.url, name: more.name ?? 'office' },
      ...{ token: idToken(more.environment), route: more.route ?? `orders=${new URL(api).host}` },
      more: more.more ?? [],
    })
  return { site, broker, orders, token, connector, api, idToken }
}

const hello: RequestListener = (incoming, response) => {
  heard.push(JSON.stringify(incoming.headers))
  response.end(`hello from ${incoming.url}`)
}

test('requests reach an API that only the connector can dial, and nothing of the token does', async (t) => {
  const { orders, token, connector, broker } = await start(t, hello)
  const secret = await token()
  const before = await call(orders, secret)
  assert.equal(before.status, 503)
  assert.match(before.text, /The connector of this upstream is not connected/)
  const running = connector()
  await running.says(/connected to /)
  assert.match((await ask(`${broker.url}/metrics`)).text, /^mayfly_connectors\{connector="office"\} 1$/m)
  heard.length = 0
  for (let count = 0; count < 3; count++) {
    const answer = await call(orders, secret, `/orders/${count}`)
    assert.deepEqual([answer.status, answer.text], [200, `hello from /orders/${count}`])
  }
  assert.equal((await call(orders, undefined)).status, 401)
  assert.equal(heard.length, 3)
  assert.match(heard[0] ?? '', /"host":"orders"/)
  assert.ok(!heard.join().includes(secret))
  assert.equal(await running.stop(), 0)
  assert.equal((await call(orders, secret)).status, 503)
  assert.ok(broker.lines.some((line) => line.includes('a connector has come')))
})

test('an API that speaks HTTP/2 alone is reached through a connector too', async (t) => {
  const server = createHttp2Server((incoming, response) => {
    response.end(`hello from ${incoming.url} by ${incoming.httpVersion}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => server.close())
  const { orders, token, connector } = await start(t, hello, {
    http2: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  })
  const running = connector()
  await running.says(/connected to /)
  const answer = await call(orders, await token(), '/orders/7')
  assert.deepEqual([answer.status, answer.text], [200, 'hello from /orders/7 by 2.0'])
  assert.equal(await running.stop(), 0)
})

test('large bodies go both ways whole', async (t) => {
  const { orders, token, connector } = await start(t, (incoming, response) => incoming.pipe(response))
  await connector().says(/connected to /)
  const body = randomBytes(20_000_000)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    void token().then((secret) =>
      request(`${orders}/echo`, { method: 'POST', headers: { authorization: `Bearer ${secret}` } }, (got) =>
        got
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => resolve(Buffer.concat(chunks)))
          .on('error', reject),
      )
        .on('error', reject)
        .end(body),
    )
  })
  assert.equal(hash('sha256', answer), hash('sha256', body))
})

test('a place that the connector does not name is not dialled', async (t) => {
  const { orders, token, connector, api } = await start(t, hello)
  const running = connector({ route: `wiki=${new URL(api).host}` })
  await running.says(/connected to /)
  heard.length = 0
  const answer = await call(orders, await token())
  assert.equal(answer.status, 502)
  await running.says(/the broker asked for `orders:80`, which is not served here/)
  assert.deepEqual(heard, [])
})

test('a connector whose lease ends is cut, and comes back when its platform gives another token', async (t) => {
  const { site, orders, token, connector, idToken } = await start(t, hello)
  const running = connector()
  await running.says(/connected to /)
  const secret = await token()
  assert.equal((await call(orders, secret)).status, 200)
  const office = await openOfficeFromFile({ path: site.config, env: {}, writeLog: () => undefined })
  const ended = await office.endLeases({ target: 'connectors', states: ['active'] })
  await office.close()
  assert.equal(ended.length, 1)
  await running.says(/the connection to .* is over/)
  assert.equal((await call(orders, secret)).status, 503)
  // The old identity token is spent.
  await running.says(/The token was not accepted/)
  running.identity(idToken())
  await running.says(/connected to /, 2)
  assert.equal((await call(orders, secret)).status, 200)
})

test('the connector dials again after the broker was away', async (t) => {
  const { site, broker, token, connector } = await start(t, hello)
  const running = connector()
  await running.says(/connected to /)
  const secret = await token()
  await broker.close()
  await running.says(/the connection to .* is over/)
  const again = await runBroker(t, site.config)
  await running.says(/connected to /, 2)
  assert.equal((await call(again.routes[0]?.url ?? '', secret)).status, 200)
  assert.equal(await running.stop(), 0)
})

test('one connector serves both replicas that it dials', async (t) => {
  const { site, broker, orders, token, connector } = await start(t, hello)
  const replica = await runBroker(t, site.replica)
  const running = connector({ more: ['--dial', `${broker.url},${replica.url}`] })
  await running.says(/connected to /, 2)
  const secret = await token()
  for (const url of [orders, replica.routes[0]?.url ?? ''])
    assert.equal((await call(url, secret)).status, 200)
  await replica.close()
  assert.equal((await call(orders, secret)).status, 200)
})

test('nginx in front of the broker, as the guide has it, passes the connection on', async (t) => {
  const { site, orders, token, connector } = await start(t, hello)
  const port = await freePort()
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/connect.md'), 'utf8')
  const [, shown = ''] = /```nginx\n(.*?)```/s.exec(guide) ?? []
  assert.ok(shown.includes('http://127.0.0.1:8080'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const configuration = [
    `daemon off; pid ${site.folder}/nginx.pid; error_log stderr; events {}`,
    `http { access_log off; ${paths.map((path) => `${path}_temp_path ${site.folder}/${path};`).join(' ')}`,
    `server { listen 127.0.0.1:${port}; ${shown.replace('http://127.0.0.1:8080', site.url)} } }`,
  ]
  const file = join(site.folder, 'nginx.conf')
  writeFileSync(file, configuration.join('\n'))
  const nginx = spawn(debianProgram('/usr/sbin/nginx', 'nginx'), ['-c', file, '-e', 'stderr'], {
    stdio: 'ignore',
  })
  const over = once(nginx, 'exit')
  atEnd(t, async () => {
    nginx.kill()
    await over
  })
  // It may not listen yet when it is dialled first: the connector tries again.
  const running = connector({ more: ['--dial', `http://127.0.0.1:${port}`] })
  await running.says(/connected to /)
  const secret = await token()
  for (let count = 0; count < 3; count++) assert.equal((await call(orders, secret)).status, 200)
})

test('the broker is dialled over TLS, and not where nobody vouches for its certificate', async (t) => {
  const { broker, orders, token, api } = await start(t, (incoming, response) => incoming.pipe(response))
  const pair = selfSigned('127.0.0.1')
  const front = createTlsServer(pair, (socket) => {
    const onward = connect(Number(new URL(broker.url).port), '127.0.0.1')
    for (const side of [socket, onward]) side.on('error', () => {})
    socket.pipe(onward).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(front, 'listening')
  atEnd(t, () => front.close())
  const url = `https://127.0.0.1:${(front.address() as AddressInfo).port}`
  const own = await token('connectors')
  await assert.rejects(dial(url, 'office', own, t.signal), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  const before = getCACertificates('default')
  atEnd(t, () => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, pair.cert])
  const socket = await dial(url, 'office', own, t.signal)
  const served = serve(socket, readPlaces([`orders=${new URL(api).host}`]), () => {})
  const body = randomBytes(3_000_000)
  const answer = await fetch(`${orders}/echo`, {
    ...{ method: 'POST', headers: { authorization: `Bearer ${await token()}` }, body },
  })
  assert.ok(body.equals(Buffer.from(await answer.arrayBuffer())))
  served.cut()
  await served.over
  assert.equal((await call(orders, await token())).status, 503)
})

test('a token makes nobody a connector that its scopes and its target do not name', async (t) => {
  const { site, broker, orders, token, connector } = await start(t, hello)
  const lab = await token('connectors', 'lab')
  for (const [bearer, status] of [
    [lab, 403],
    [await token('orders-api'), 401],
    [`${lab.slice(0, -4)}AAAA`, 401],
    ['', 401],
  ] as const) {
    const refused = await dial(broker.url, 'office', bearer, t.signal).catch((thrown: unknown) => thrown)
    assert.ok(refused instanceof DialRefused)
    assert.equal(refused.status, status)
  }
  // What came behind the request was sent before anybody said that it may be.
  const early = connect(Number(new URL(broker.url).port), '127.0.0.1').resume()
  early.write(
    `GET /connect/office HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${await token('connectors')}\r\nConnection: Upgrade\r\nUpgrade: mayfly-connect\r\n\r\nearly`,
  )
  await once(early, 'close')
  assert.equal(early.bytesRead, 0)
  assert.equal((await call(orders, await token())).status, 503)
  assert.equal((await call(`${broker.url}/connect/office`, undefined, '')).status, 426)
  assert.equal((await call(`${broker.url}/connect/nobody`, undefined, '')).status, 404)
  const refused = connector({ environment: 'lab' })
  assert.equal(await refused.ended, 1)
  assert.match(refused.said(), /scope/i)
  const { entries } = await exportedLog(site.config)
  assert.equal(
    entries.filter(({ type, target }) => type === 'route.refused' && target === 'connectors').length,
    4,
  )
})

test('of two connectors the newest serves, and the other takes over when it goes', async (t) => {
  const { orders, broker, token, api } = await start(t, (_, response) => response.end('one'))
  const other = await onLoopback(t, (_, response) => response.end('two'))
  const line = async (url: string) => {
    const socket = await dial(broker.url, 'office', await token('connectors'), t.signal)
    return serve(socket, readPlaces([`orders=${new URL(url).host}`]), () => {})
  }
  const secret = await token()
  const first = await line(api)
  assert.equal((await call(orders, secret)).text, 'one')
  const second = await line(other)
  // What is connected to the first already may serve on.
  assert.match((await call(orders, secret)).text, /one|two/)
  first.cut()
  await first.over
  assert.equal((await call(orders, secret)).text, 'two')
  second.cut()
  await second.over
  assert.equal((await call(orders, secret)).status, 503)
})
