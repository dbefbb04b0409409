/** WebSockets through the proxy: let in as any request is, carried both ways, cut when the lease ends. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { serverOnLoopback } from '../fakes/on-loopback.ts'
import { accessToken, exchange, revoke } from '../fakes/requests.ts'
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
        orders:watch: { access: read, requests: [GET /watch] }
        orders:typed: { access: write, requests: [{ request: GET /typed, body: { /kind: [sample] } }] }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
grants:
  - name: shop
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [{ target: orders-api, scopes: [orders:watch, orders:typed] }, orders-api-staging]
    for: 10m
`

/** An API whose sockets say back what they hear; it remembers the heads of requests. */
async function echo(t: TestContext) {
  const heads: string[] = []
  const { url, server } = await serverOnLoopback(t, (request, response) => {
    heads.push(`${request.method} ${request.url}`)
    response.writeHead(426, { 'content-type': 'text/plain' }).end('not here')
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    heads.push(JSON.stringify([request.url, request.headersDistinct]))
    if (request.url !== '/watch') {
      socket.end('HTTP/1.1 418 Teapot\r\nContent-Length: 4\r\n\r\nnope')
      return
    }
    sockets.handleUpgrade(request, socket, head, (each) =>
      each.on('message', (data, binary) => each.send(data, { binary })),
    )
  })
  atEnd(t, () => {
    for (const each of sockets.clients) each.terminate()
  })
  return { url, heads, sockets }
}

async function start(t: TestContext) {
  const github = await githubFor(t)
  const api = await echo(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, upstream: api.url })
  const broker = await runBroker(t, site.config)
  const [orders = ''] = broker.routes.map(({ url }) => url)
  const token = async (scope = 'orders:watch', audience = 'orders-api') =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), {
        ...{ audience, ...(scope === '' ? {} : { scope }) },
      }),
    )
  const open = (bearer: string | undefined, path = '/watch') => {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
    const socket = new WebSocket(orders.replace('http', 'ws') + path, { headers })
    atEnd(t, () => socket.terminate())
    return socket
  }
  return { site, broker, api, token, open, orders }
}

/** The status with which a handshake was refused. */
async function refusedWith(socket: WebSocket): Promise<number> {
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  return response.statusCode
}

test('messages go both ways, and the upstream knows who speaks without the token', async (t) => {
  const { api, token, open } = await start(t)
  const secret = await token()
  const socket = open(secret)
  await once(socket, 'open')
  const large = randomBytes(1_000_000)
  for (const said of [Buffer.from('hello'), large]) {
    socket.send(said)
    const [heard] = await once(socket, 'message')
    assert.ok(said.equals(heard))
  }
  socket.close(1000, 'done')
  const [code] = await once(socket, 'close')
  assert.equal(code, 1000)
  assert.equal(api.heads.length, 1)
  assert.match(api.heads[0] ?? '', /"x-mayfly-subject":\["github/)
  assert.ok(!(api.heads[0] ?? '').includes(secret))
})

test('a handshake is refused as any request is, and reaches nothing', async (t) => {
  const { site, api, token, open } = await start(t)
  assert.equal(await refusedWith(open(undefined)), 401)
  assert.equal(await refusedWith(open(await token('', 'orders-api-staging'))), 401)
  assert.equal(await refusedWith(open(await token(), '/other')), 403)
  assert.equal(await refusedWith(open(await token('orders:typed'), '/typed')), 403)
  assert.deepEqual(api.heads, [])
  const { entries } = await exportedLog(site.config)
  assert.equal(entries.filter(({ type }) => type === 'route.refused').length, 4)
})

test('the end of the lease cuts an open socket, on both sides', async (t) => {
  const { broker, api, token, open } = await start(t)
  const secret = await token()
  const socket = open(secret)
  await once(socket, 'open')
  const [far] = api.sockets.clients
  assert.ok(far !== undefined)
  const ended = Promise.all([once(socket, 'close'), once(far, 'close')])
  assert.equal((await revoke(broker.url, secret)).status, 200)
  await ended
  assert.equal(await refusedWith(open(secret)), 401)
})

test('closing the broker ends open sockets', async (t) => {
  const { broker, token, open } = await start(t)
  const socket = open(await token())
  await once(socket, 'open')
  const ended = once(socket, 'close')
  await broker.close()
  await ended
})

test('an upstream that does not switch is heard, and handshakes that two could read in two ways are not sent', async (t) => {
  const { api, token, open, orders } = await start(t)
  const secret = await token()
  // 418: an answer that can only be the upstream's.
  assert.equal(await refusedWith(open(secret, '/watch?elsewhere')), 418)
  api.heads.length = 0
  const raw = async (lines: readonly string[], more = '') => {
    const socket = connect(Number(new URL(orders).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`${lines.join('\r\n')}\r\n\r\n${more}`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text
  }
  const good = [
    ...[
      'GET /watch HTTP/1.1',
      'Host: orders.example',
      `Authorization: Bearer ${secret}`,
      'Connection: Upgrade',
    ],
    ...[
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ],
  ]
  const without = (name: string) => good.filter((line) => !line.startsWith(name))
  const answers = [
    await raw([...without('Upgrade'), 'Upgrade: h2c']),
    await raw([...good, 'Upgrade: h2c']),
    await raw([...good, 'Content-Length: 5'], 'hello'),
    await raw([...good, 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    await raw([...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8']),
    await raw([...good, `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`]),
    await raw(without('Sec-WebSocket-Key')),
    await raw([...good, 'Host: other.example']),
    await raw(good.map((line) => line.replace('GET', 'POST'))),
    await raw([...good, `Authorization: Bearer ${secret}`]),
  ]
  assert.deepEqual(
    answers.map((text) => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    ['501', '501', '501', '501', '400', '400', '400', '400', '501', '400'],
  )
  assert.deepEqual(api.heads, [])
  // A request that waits for its answer, and a handshake behind it: neither may land within the other.
  const both = await raw([
    'GET /watch HTTP/1.1',
    'Host: orders.example',
    `Authorization: Bearer ${secret}`,
    '',
    ...good,
  ])
  assert.doesNotMatch(both, /101 Switching/)
})

test('a socket of a route that puts in a secret and says who asks gets both, and the caller’s own go nowhere', async (t) => {
  const { heads, url: upstream } = await echo(t)
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  writeFileSync(join(site.folder, 'secret'), 's3cret-of-the-api')
  appendFileSync(
    site.config,
    `routes: [{ kind: http, name: orders, listen: "127.0.0.1:0", upstream: "${upstream}", target: orders-api, assertion: true, inject: { header: { name: X-Api-Key, value: { file: ./secret } } } }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const job = github.idToken({ ...pushJob('staging'), aud: site.url })
  const token = accessToken(await exchange(broker.url, job, { audience: 'orders-api' }))
  const socket = new WebSocket(`${String(broker.routes[0]?.url).replace('http', 'ws')}/watch`, {
    headers: { authorization: `Bearer ${token}`, 'x-api-key': 'forged', 'x-mayfly-assertion': 'forged' },
  })
  await once(socket, 'open')
  socket.send('hello')
  assert.equal(String((await once(socket, 'message'))[0]), 'hello')
  socket.close()
  const [, fields] = JSON.parse(heads[0] ?? '[]') as [string, Record<string, string[]>]
  assert.deepEqual(fields['x-api-key'], ['s3cret-of-the-api'])
  assert.equal(fields['x-mayfly-assertion']?.length, 1)
  assert.match(String(fields['x-mayfly-assertion']), /^eyJ/)
  assert.doesNotMatch(heads.join(), /forged/)
})
