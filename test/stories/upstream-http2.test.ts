/** Upstreams that speak HTTP/2: calls as gRPC makes them, and all that other upstreams get. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { type AddressInfo, createServer as createPlainServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { githubFor } from '../fakes/github.ts'
import { accessToken, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const { cert, key } = selfSigned('127.0.0.1')

interface Seen {
  readonly headers: IncomingHttpHeaders
  readonly stream: ServerHttp2Stream
}

/** An upstream of HTTP/2 alone, over TLS or without it. */
async function upstreamOf(
  t: TestContext,
  answer: (seen: Seen) => void,
  { secure = true, maxConcurrentStreams = 100 } = {},
) {
  const options = { settings: { maxConcurrentStreams } }
  const server: Http2Server = secure
    ? createSecureServer({ ...options, key, cert, allowHTTP1: false })
    : createServer(options)
  const [all, sessions]: [Seen[], Set<{ close(): void; destroy(): void }>] = [[], new Set()]
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.once('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    all.push({ stream: stream as ServerHttp2Stream, headers })
    answer({ stream: stream as ServerHttp2Stream, headers })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, all, sessions }
}

/** A route to it, and callers of HTTP/2. */
async function start(t: TestContext, upstream: string, more = '') {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  for (const [name, pem] of [
    ['route.pem', cert],
    ['route.key', key],
  ] as const)
    writeFileSync(join(site.folder, name), pem)
  const tls = 'tls: { certificate: { file: ./route.pem }, key: { file: ./route.key } }'
  const trust = upstream.startsWith('https') ? ', upstream_tls: { ca: { file: ./route.pem } }' : ''
  const towards = `upstream_http2: true${trust}${more}`
  appendFileSync(
    site.config,
    `routes: [{ kind: http, name: api, listen: "127.0.0.1:0", target: orders-api, upstream: ${JSON.stringify(upstream.split(' '))}, ${tls}, ${towards} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const token = accessToken(
    await exchange(broker.url, github.idToken({ ...pushJob('production'), aud: site.url }), {
      audience: 'orders-api',
    }),
  )
  const url = broker.routes.find(({ name }) => name === 'api')?.url ?? ''
  const session = connect(url, { ca: cert })
  session.on('error', () => {})
  atEnd(t, () => session.destroy())
  return { url, token, session, authorization: `Bearer ${token}` }
}

test('a call that is refused ends at once, though its body was not read', { timeout: 30_000 }, async (t) => {
  const upstream = await upstreamOf(t, () => {})
  const { session } = await start(t, upstream.url)
  const refused = call(session, 'Bearer wrong')
  refused.write(framed('one'))
  const { status, body } = await wholeOf(refused)
  assert.equal(status, 401)
  assert.match(body.toString(), /invalid_token/)
  assert.deepEqual(upstream.all, [])
})

/** One gRPC message: not compressed, its length, itself. */
function framed(text: string): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(Buffer.byteLength(text), 1)
  return Buffer.concat([head, Buffer.from(text)])
}

const call = (session: ClientHttp2Session, authorization: string, path = '/orders.Orders/Get') =>
  session.request({
    ...{ ':method': 'POST', ':path': path, authorization },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  })

async function wholeOf(stream: ReturnType<ClientHttp2Session['request']>) {
  const chunks: Buffer[] = []
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (fields) => {
    trailers = fields
  })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return { status: headers[':status'], headers, trailers, body: Buffer.concat(chunks) }
}

for (const secure of [true, false])
  test(`a call as gRPC makes it goes through, status and all (${secure ? 'TLS' : 'without TLS'})`, async (t) => {
    const upstream = await upstreamOf(
      t,
      ({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }))
        stream.pipe(stream)
      },
      { secure },
    )
    const { session, authorization, token } = await start(t, upstream.url)
    const asked = call(session, authorization)
    asked.end(framed('one'))
    const { status, trailers, body } = await wholeOf(asked)
    assert.deepEqual([status, body], [200, framed('one')])
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['0', 'fine'])
    const { headers } = upstream.all[0] ?? {}
    assert.equal(headers?.[':path'], '/orders.Orders/Get')
    assert.equal(headers?.[':authority'], new URL(upstream.url).host)
    assert.equal(headers?.['te'], 'trailers')
    assert.match(String(headers?.['x-mayfly-lease']), /^ls_/)
    assert.doesNotMatch(JSON.stringify(headers), new RegExp(token.slice(-40)))
    for (const name of ['connection', 'transfer-encoding', 'keep-alive', 'host'])
      assert.equal(headers?.[name], undefined, name)
    const refused = call(session, 'Bearer wrong')
    refused.end(framed('one'))
    assert.equal((await wholeOf(refused)).status, 401)
    assert.equal(upstream.all.length, 1)
  })

test('trailers that the other side cannot say cut their stream, and nothing else', async (t) => {
  const upstream = await upstreamOf(t, ({ stream, headers }) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () =>
      stream.sendTrailers(headers[':path'] === '/plain' ? { 'x-sum': '1' } : { 'x-sum': 'caf\u00e9 \u2603' }),
    )
    stream.pipe(stream)
  })
  const { session, authorization } = await start(t, upstream.url)
  const odd = call(session, authorization, '/odd')
  odd.end('one')
  await wholeOf(odd).catch(() => {})
  const twice = session.request(
    { ':method': 'POST', ':path': '/twice', authorization, te: 'trailers' },
    { waitForTrailers: true },
  )
  twice.on('wantTrailers', () => twice.sendTrailers({ 'x-a': ['1', '2'], 'http2-settings-x': 'a' }))
  twice.end('two')
  await wholeOf(twice).catch(() => {})
  const plain = call(session, authorization, '/plain')
  plain.end('three')
  const { body, trailers } = await wholeOf(plain)
  assert.deepEqual([String(body), trailers['x-sum']], ['three', '1'])
})

test('both sides of a stream talk in turns, for as long as they like', async (t) => {
  const upstream = await upstreamOf(t, ({ stream }) => {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const { session, authorization } = await start(t, upstream.url)
  const asked = call(session, authorization)
  asked.write(framed('0'))
  await once(asked, 'response')
  for (let turn = 0; turn < 20; turn += 1) {
    const [heard] = await once(asked, 'data')
    assert.deepEqual(heard, framed(String(turn)))
    if (turn < 19) asked.write(framed(String(turn + 1)))
  }
  asked.end()
  await once(asked, 'close')
  assert.equal(asked.rstCode, 0)
})

test('an answer that is trailers alone, one that is cut, and a caller that leaves', async (t) => {
  const left = Promise.withResolvers<number>()
  const upstream = await upstreamOf(t, ({ stream, headers }) => {
    if (headers[':path'] === '/trailers') {
      stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true })
      return
    }
    stream.respond({ ':status': 200 })
    stream.write('half')
    if (headers[':path'] === '/cut') setImmediate(() => stream.destroy(new Error('broken')))
    else stream.once('close', () => left.resolve(stream.rstCode))
  })
  const { session, authorization } = await start(t, upstream.url)
  const alone = call(session, authorization, '/trailers')
  alone.end()
  const { headers, body } = await wholeOf(alone)
  assert.deepEqual([headers['grpc-status'], body.length], ['5', 0])
  const cut = call(session, authorization, '/cut')
  cut.end()
  await assert.rejects(wholeOf(cut))
  const leaving = call(session, authorization, '/long')
  leaving.end()
  await once(leaving, 'data')
  leaving.close(8)
  assert.notEqual(await left.promise, 0)
})

test('an upload of 64 MiB arrives whole, from callers of HTTP/1.1 too', async (t) => {
  const upstream = await upstreamOf(t, async ({ stream }) => {
    const digest = createHash('sha256')
    for await (const chunk of stream) digest.update(chunk as Buffer)
    stream.respond({ ':status': 200 })
    stream.end(digest.digest('hex'))
  })
  const { url, authorization } = await start(t, upstream.url)
  const block = Buffer.alloc(1_048_576, 'mayfly')
  const digest = createHash('sha256')
  const sent = httpsRequest(`${url}/orders`, { method: 'PUT', ca: cert, headers: { authorization } })
  const answered = once(sent, 'response')
  for (let count = 0; count < 64; count += 1) {
    digest.update(block)
    if (!sent.write(block)) await once(sent, 'drain')
  }
  sent.end()
  const [answer] = await answered
  assert.equal(String((await answer.toArray()).join('')), digest.digest('hex'))
})

test('hundreds at once take as many connections as the upstream lets them, and go on after it says good-bye', async (t) => {
  const upstream = await upstreamOf(
    t,
    ({ stream, headers }) => {
      stream.respond({ ':status': 200 })
      stream.end(String(headers[':path']))
    },
    { maxConcurrentStreams: 20 },
  )
  const { session, authorization } = await start(t, upstream.url)
  const round = async () => {
    const answers = await Promise.all(
      Array.from({ length: 90 }, async (_, at) => {
        const asked = session.request({ ':path': `/orders/${at}`, authorization })
        return (await wholeOf(asked)).body.toString()
      }),
    )
    assert.deepEqual(
      answers,
      answers.map((_, at) => `/orders/${at}`),
    )
  }
  await round()
  assert.ok(upstream.sessions.size >= 1 && upstream.sessions.size <= 64)
  for (const each of upstream.sessions) each.close()
  await round()
  for (const each of upstream.sessions) each.destroy()
  await round()
})

test('where no HTTP/2 is spoken, or nobody listens, the caller hears so; another place is taken', async (t) => {
  const old = createTlsServer({ key, cert, ALPNProtocols: ['http/1.1'] }, (socket) =>
    socket.on('error', () => {}),
  )
  old.listen(0, '127.0.0.1')
  await once(old, 'listening')
  atEnd(t, () => old.close())
  const spoken = `https://127.0.0.1:${(old.address() as AddressInfo).port}`
  const status = async (places: string, more?: string) => {
    const { session, authorization } = await start(t, places, more)
    return (await wholeOf(session.request({ ':path': '/orders', authorization }))).status
  }
  assert.equal(await status(spoken), 502)
  assert.equal(await status('https://127.0.0.1:9'), 502)
  const upstream = await upstreamOf(t, ({ stream }) => {
    stream.respond({ ':status': 200 })
    stream.end('ok')
  })
  assert.equal(await status(`https://127.0.0.1:9 ${upstream.url}`), 200)
  const asked = Promise.withResolvers<void>()
  const healthy = await upstreamOf(t, ({ stream, headers }) => {
    stream.respond({ ':status': 200 })
    stream.end('ok')
    if (headers[':path'] === '/healthz') asked.resolve()
  })
  assert.equal(await status(healthy.url, ', health: { path: /healthz }'), 200)
  await asked.promise
  const mute = createPlainServer((socket) => socket.on('error', () => {}))
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  atEnd(t, () => mute.close())
  const at = `https://127.0.0.1:${(mute.address() as AddressInfo).port}`
  assert.equal(await status(at, ', idle_timeout: 1s'), 502)
  const silent = await upstreamOf(t, () => {})
  assert.equal(await status(silent.url, ', idle_timeout: 1s'), 504)
})
