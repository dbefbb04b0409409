/** A connector in between changes nothing of a route; one in wrong hands, or none, harms nobody else. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type RequestListener, request } from 'node:http'
import { constants, connect as secondVersion } from 'node:http2'
import { createServer as secureServer } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import { askOver } from '@mayfly/broker/route/routes/mcp/ask-server'
import { WebSocket, WebSocketServer } from 'ws'
import { readPlaces } from '../../packages/cli/src/connect/places.ts'
import { serve } from '../../packages/cli/src/connect/serving.ts'
import { bearer, fakeGate, httpSettings, type OpenRoute, standing, testRoute } from '../conformance/route.ts'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { fakeTools } from '../fakes/clock.ts'
import { onLoopback, serverOnLoopback } from '../fakes/on-loopback.ts'
import { type Line, lineTo, lineWith, throughConnector } from '../fakes/tunnelled.ts'

const opening =
  (idleSeconds = 10): OpenRoute =>
  (upstream) =>
    throughConnector(upstream, (place, reach) =>
      openHttpRoute(httpSettings(place, { idle_timeout: idleSeconds }), fakeTools(), reach),
    )

testRoute('http through a connector', opening())

/** A route over a line that is there already; answers with its URL. */
async function routeOver(t: TestContext, line: Line, upstream: string): Promise<string> {
  const route = openHttpRoute(httpSettings(upstream, { idle_timeout: 2 }), fakeTools(), line.reach)
  const listening = await route.listen(fakeGate())
  atEnd(t, async () => {
    await listening.close(0)
    await line.close()
  })
  return listening.url
}

/** The time of the broker's end stands still meanwhile. */
async function noticed(line: Line): Promise<void> {
  for (let count = 0; count < 10_000 && !line.gone(); count++) await turn()
  assert.ok(line.gone())
}

test('a caller that does not read stops the upstream from sending, and nobody else', async (t) => {
  let sent = 0
  const flood: RequestListener = (asked, response) => {
    if (asked.url === '/quick') {
      response.end('quick')
      return
    }
    const chunk = Buffer.alloc(65_536)
    const more = () => {
      do sent += chunk.length
      while (sent < 500_000_000 && response.write(chunk))
    }
    response.on('drain', more)
    more()
  }
  const upstream = await onLoopback(t, flood)
  const url = await routeOver(t, await lineWith([new URL(upstream).host]), upstream)
  const asked = request(url, { headers: bearer }).end()
  asked.on('error', () => {})
  const [answer] = await once(asked, 'response')
  answer.on('error', () => {})
  let before = -1
  for (let still = 0; still < 200; still = before === sent ? still + 1 : 0) {
    before = sent
    await turn()
  }
  assert.ok(sent < 50_000_000, `${sent} bytes were taken`)
  for (let count = 0; count < 20; count++)
    assert.equal(await (await fetch(`${url}/quick`, { headers: bearer })).text(), 'quick')
  asked.destroy()
})

test('an upstream that is away is 502, one that is silent 504, one that breaks off does not look complete', async (t) => {
  const nobody = await routeOver(t, await lineWith(['127.0.0.1:1']), 'http://127.0.0.1:1')
  assert.equal((await fetch(nobody, { headers: bearer })).status, 502)
  await standing(
    opening(0.1),
    () => {},
    async ({ url }) => assert.equal((await fetch(url, { headers: bearer })).status, 504),
  )
  const cut: RequestListener = (_, response) => void response.write('half', () => response.destroy())
  await standing(opening(), cut, async ({ url }) => {
    const answer = await fetch(url, { headers: bearer })
    await assert.rejects(answer.text())
  })
})

test('TLS is spoken with the upstream itself, whose certificate counts', async (t) => {
  const pair = selfSigned('127.0.0.1')
  const server = secureServer({ ...pair }, (_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => server.closeAllConnections())
  atEnd(t, () => server.close())
  const upstream = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = await routeOver(t, await lineWith([new URL(upstream).host]), upstream)
  assert.equal((await fetch(url, { headers: bearer })).status, 502)
  const before = getCACertificates('default')
  atEnd(t, () => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, pair.cert])
  assert.equal(await (await fetch(url, { headers: bearer })).text(), 'ok')
})

test('a server that redirects or switches gives no answer, and one that streams gives it as it comes', async (t) => {
  const { url: upstream, server } = await serverOnLoopback(t, (asked, response) => {
    if (asked.url === '/away') response.writeHead(302, { location: 'http://elsewhere/' }).end()
    else if (asked.url === '/none') response.writeHead(204).end()
    else {
      response.write('first')
      if (asked.url === '/') setImmediate(() => response.end(' last'))
    }
  })
  server.on('upgrade', (_, socket) => socket.end())
  const line = await lineWith([new URL(upstream).host])
  atEnd(t, () => line.close())
  const { ask, close } = askOver(upstream, line.reach)
  atEnd(t, close)
  const post = (path: string, signal = t.signal) =>
    ask(upstream + path, {
      ...{ method: 'POST', redirect: 'error', headers: new Headers({ 'x-a': 'b' }), signal },
      body: new Uint8Array(Buffer.from('{}')),
    })
  await assert.rejects(post('/away'), /redirect/)
  assert.equal((await post('/none')).status, 204)
  assert.equal(await (await post('/')).text(), 'first last')
  const ending = new AbortController()
  const answer = await post('/endless', ending.signal)
  ending.abort()
  await assert.rejects(answer.text())
})

test('WebSockets go through', async (t) => {
  const { url: upstream, server } = await serverOnLoopback(t, (_, response) => response.end())
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (each) => each.on('message', (data) => each.send(data)))
  const url = await routeOver(t, await lineWith([new URL(upstream).host]), upstream)
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: bearer })
  atEnd(t, () => socket.terminate())
  await once(socket, 'open')
  const large = randomBytes(3_000_000)
  socket.send(large)
  const [heard] = await once(socket, 'message')
  assert.ok(large.equals(heard))
})

test('a connector that never answers, talks nonsense, opens streams or leaves is no more than an upstream that is away', async (t) => {
  const silent = await routeOver(t, await lineTo((socket) => void socket.resume()), 'http://orders')
  assert.equal((await fetch(silent, { headers: bearer })).status, 504)
  const nonsense = await lineTo((socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  const url = await routeOver(t, nonsense, 'http://orders')
  assert.ok([502, 503].includes((await fetch(url, { headers: bearer })).status))
  await noticed(nonsense)
  const leaves = await lineTo((socket) => void socket.once('data', () => socket.destroy()))
  const left = await routeOver(t, leaves, 'http://orders')
  assert.ok([502, 503].includes((await fetch(left, { headers: bearer })).status))
})

test('the end of a connector is noticed when it comes, and what it carried is cut', async (t) => {
  const upstream = await onLoopback(t, (_, response) => void response.write('half'))
  const line = await lineWith([new URL(upstream).host])
  const url = await routeOver(t, line, upstream)
  const answer = await fetch(url, { headers: bearer })
  line.served.cut()
  await noticed(line)
  await assert.rejects(answer.text())
  assert.equal((await fetch(url, { headers: bearer })).status, 503)
})

test('a connector that fell silent is noticed without a request', async (t) => {
  const line = await lineTo((socket) => void socket.pause())
  atEnd(t, () => line.close())
  line.tools.advance(15_000)
  assert.equal(line.gone(), false)
  line.tools.advance(10_000)
  await noticed(line)
})

test('whatever a broker asks for, a connector dials only what it was given, and does nothing else', async (t) => {
  let dialled = 0
  const secret = createServer((socket) => {
    dialled++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(secret, 'listening')
  atEnd(t, () => secret.close())
  const { port } = secret.address() as AddressInfo
  const asked: string[] = []
  const far = createServer((socket) => {
    serve(socket, readPlaces([`orders=127.0.0.1:${port}`]), (authority) => asked.push(authority))
  }).listen(0, '127.0.0.1')
  await once(far, 'listening')
  atEnd(t, () => far.close())
  const broker = secondVersion('http://connector', {
    createConnection: () => connect((far.address() as AddressInfo).port, '127.0.0.1'),
  })
  atEnd(t, () => broker.destroy())
  const ask = async (headers: Record<string, string>) => {
    const stream = broker.request(headers)
    stream.on('error', () => {})
    const [answer] = await once(stream, 'response')
    stream.close(constants.NGHTTP2_CANCEL)
    return answer[':status']
  }
  const tunnel = (authority: string) => ask({ ':method': 'CONNECT', ':authority': authority })
  for (const authority of [`127.0.0.1:${port}`, `localhost:${port}`, 'other:80', 'orders.:80', '[::1]:80'])
    assert.equal(await tunnel(authority), 403, authority)
  assert.equal(await ask({ ':method': 'GET', ':path': '/', ':authority': 'orders' }), 405)
  assert.equal(dialled, 0)
  assert.equal(asked.length, 5)
  assert.equal(await tunnel('orders:80'), 200)
  assert.equal(dialled, 1)
})
