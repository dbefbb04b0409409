/** HTTP routes over TLS: HTTP/1.1 and HTTP/2 lead through the same gate, with the same limits. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { WebSocket, WebSocketServer } from 'ws'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { serverOnLoopback } from '../fakes/on-loopback.ts'
import { accessToken, exchange, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const { cert, key } = selfSigned('127.0.0.1')

type Answerer = (request: IncomingMessage, response: ServerResponse) => void

async function start(t: TestContext, answer: Answerer = (_, response) => response.end('ok')) {
  const seen: { line: string; headers: IncomingMessage['headers'] }[] = []
  const { url: upstream, server } = await serverOnLoopback(t, (request, response) => {
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers })
    answer(request, response)
  })
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  writeFileSync(join(site.folder, 'route.pem'), cert)
  writeFileSync(join(site.folder, 'route.key'), key)
  const tls = 'tls: { certificate: { file: ./route.pem }, key: { file: ./route.key } }'
  appendFileSync(
    site.config,
    `routes: [{ kind: http, name: api, listen: "127.0.0.1:0", target: orders-api, upstream: "${upstream}", ${tls} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const token = accessToken(
    await exchange(broker.url, github.idToken({ ...pushJob('production'), aud: site.url }), {
      audience: 'orders-api',
    }),
  )
  const url = broker.routes.find(({ name }) => name === 'api')?.url ?? ''
  assert.match(url, /^https:/)
  const session = () => {
    const opened = connect(url, { ca: cert })
    opened.on('error', () => {})
    atEnd(t, () => opened.destroy())
    return opened
  }
  return { seen, site, broker, token, url, session, server, authorization: `Bearer ${token}` }
}

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly trailers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** Without what Node adds under a symbol. */
const plain = (headers: object) => Object.fromEntries(Object.entries(headers))

/** One request and its whole answer; rejects when its stream is reset. */
function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined })
    let [got, trailers] = [{} as Record<string, unknown>, {} as Record<string, unknown>]
    const pieces: Buffer[] = []
    stream.on('response', (said) => {
      got = { ...said }
    })
    stream.on('trailers', (said) => {
      trailers = plain(said)
    })
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('error', reject)
    stream.on('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) reject(new Error(`reset ${stream.rstCode}`))
      else
        resolve({
          status: Number(got[':status']),
          headers: got,
          trailers,
          text: Buffer.concat(pieces).toString(),
        })
    })
    if (body !== undefined) stream.end(body)
  })
}

test('a request over HTTP/2 goes through the gate as any other, many at once on one connection', async (t) => {
  const { seen, session, authorization, token } = await start(t, (request, response) => {
    request.pipe(response)
  })
  const one = session()
  await once(one, 'connect')
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, turn) =>
      ask(one, { ':method': 'POST', ':path': `/orders?turn=${turn}`, authorization }, `body ${turn}`),
    ),
  )
  assert.deepEqual(
    answers.map(({ status, text }) => [status, text]),
    answers.map((_, turn) => [200, `body ${turn}`]),
  )
  const { headers } = seen[0] ?? {}
  assert.equal(headers?.['x-forwarded-proto'], 'https')
  assert.equal(headers?.['x-forwarded-for'], '127.0.0.1')
  assert.equal(headers?.['via'], '2.0 mayfly')
  assert.doesNotMatch(JSON.stringify(seen), new RegExp(token.slice(-40)))
  for (const answer of answers) assert.equal(answer.headers['connection'], undefined)
  const none = await ask(one, { ':path': '/orders' })
  assert.deepEqual([none.status, String(none.headers['www-authenticate']).slice(0, 6)], [401, 'Bearer'])
  assert.equal((await ask(one, { ':path': '/orders', authorization: 'Bearer wrong' })).status, 401)
  assert.equal(seen.length, 20)
})

test('HTTP/1.1 over TLS, WebSocket and old protocols: by what the caller offers', async (t) => {
  const { url, authorization, server, seen } = await start(t)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
  atEnd(t, () => sockets.close())
  const status = await new Promise((resolve, reject) => {
    const sent = httpsRequest(`${url}/orders`, { ca: cert, headers: { authorization } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    sent.on('error', reject).end()
  })
  assert.equal(status, 200)
  const socket = new WebSocket(`${url.replace('https', 'wss')}/socket`, {
    ca: cert,
    headers: { authorization },
  })
  await once(socket, 'open')
  socket.send('hello')
  assert.equal(String((await once(socket, 'message'))[0]), 'hello')
  socket.close()
  assert.equal(seen[0]?.headers['x-forwarded-proto'], 'https')
  assert.equal(seen[0]?.headers['via'], '1.1 mayfly')
  await assert.rejects(fetch(url.replace('https', 'http')), 'plain HTTP is not spoken there')
  const old = new Promise((_, reject) => {
    httpsRequest(url, { ca: cert, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }).on('error', reject).end()
  })
  await assert.rejects(old)
})

test('curl speaks HTTP/2 to it, uploads and all', async (t) => {
  const digest = createHash('sha256')
  const { url, authorization, site } = await start(t, (request, response) => {
    request.on('data', (piece: Buffer) => digest.update(piece))
    request.on('end', () => response.end('taken'))
  })
  const body = Buffer.alloc(24 << 20, 'upload of some size ')
  writeFileSync(join(site.folder, 'upload'), body)
  const { stdout } = await promisify(execFile)('curl', [
    ...['--silent', '--http2', '--cacert', join(site.folder, 'route.pem'), '--max-time', '60'],
    ...['-H', `Authorization: ${authorization}`, '-T', join(site.folder, 'upload')],
    ...['-w', ' %{http_version} %{http_code}', `${url}/files/one`],
  ])
  assert.equal(stdout, 'taken 2 200')
  assert.equal(digest.digest('hex'), createHash('sha256').update(body).digest('hex'))
})

test('what cannot be said in one way is refused, recorded, and reaches nobody', async (t) => {
  const { seen, session, authorization, site, broker, url } = await start(t)
  const host = new URL(url).host
  const hostile: readonly OutgoingHttpHeaders[] = [
    { ':path': '/orders', ':authority': host, host: 'other.example' },
    { ':path': '/orders/../admin' },
    { ':path': '/orders/%2e%2e/admin' },
    { ':path': `https://${host}/orders` },
    { ':path': '*', ':method': 'OPTIONS' },
    { ':path': '/a b' },
    { ':path': '/orders#x' },
    { ':path': '//orders' },
    { ':path': '/orders', ':authority': 'a b' },
    { ':path': '/orders', ':authority': '' },
    { ':path': '/orders', ':scheme': 'http' },
    { ':path': '/orders', 'content-length': '5, 5' },
    { ':path': '/orders', ':method': 'TRACE' },
  ]
  let answered = 0
  for (const headers of hostile) {
    const answer = await ask(session(), { ...headers, authorization }).catch((reset: Error) => reset)
    // Some the library itself resets: nobody was asked anything.
    if (answer instanceof Error) continue
    assert.ok([400, 501].includes(answer.status), JSON.stringify(headers))
    answered++
  }
  const one = session()
  const connected = await ask(one, { ':method': 'CONNECT', ':authority': 'inner:22', authorization }).catch(
    (reset: Error) => reset,
  )
  if (!(connected instanceof Error)) {
    assert.ok([400, 501].includes(connected.status))
    answered++
  }
  assert.deepEqual(seen, [])
  await broker.close()
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type, code }) => type === 'route.refused' && code === 'request_malformed')
  assert.ok(answered >= 8, `${answered} of ${hostile.length}`)
  assert.equal(refused.length, answered)
})

test('cookies in pieces are one field behind us, and trailers pass both ways where they may', async (t) => {
  const trailers: string[][] = []
  const { seen, session, authorization } = await start(t, (request, response) => {
    request.resume()
    request.on('end', () => {
      trailers.push(request.rawTrailers)
      response.writeHead(200, { trailer: 'x-digest' })
      response.write('body')
      response.addTrailers({ 'x-digest': 'abc', 'set-cookie': 'a=b', 'x-mayfly-lease': 'forged' })
      response.end()
    })
  })
  const one = session()
  const headers = {
    ':method': 'POST',
    ':path': '/orders',
    authorization,
    te: 'trailers',
    cookie: ['a=1', 'b=2'],
  }
  const stream = one.request(headers, { waitForTrailers: true })
  stream.on('wantTrailers', () =>
    stream.sendTrailers({ 'x-count': '7', authorization: 'Bearer forged', 'x-mayfly-subject': 'forged' }),
  )
  const back = once(stream, 'trailers')
  stream.end('body')
  stream.resume()
  const [said] = (await back) as [Record<string, string>]
  assert.deepEqual(plain(said), { 'x-digest': 'abc' })
  assert.deepEqual(trailers, [['x-count', '7']])
  assert.equal(seen[0]?.headers.cookie, 'a=1; b=2')
  const without = await ask(one, { ':path': '/orders', authorization })
  assert.deepEqual([without.text, without.trailers], ['body', {}], 'nobody said that it reads them')
})

test('trailers that HTTP/2 cannot say cut their stream, and nothing else', async (t) => {
  const { session, authorization } = await start(t, (request, response) => {
    response.writeHead(200, { trailer: 'etag' })
    response.write('body')
    response.addTrailers(
      request.url === '/odd'
        ? [
            ['etag', 'a'],
            ['etag', 'b'],
          ]
        : [['etag', 'a']],
    )
    response.end()
  })
  const one = session()
  await assert.rejects(ask(one, { ':path': '/odd', authorization, te: 'trailers' }))
  const { text, trailers } = await ask(one, { ':path': '/plain', authorization, te: 'trailers' })
  assert.deepEqual([text, trailers], ['body', { etag: 'a' }])
})

test('a stream that ends, or whose lease ends, ends alone', async (t) => {
  const left: string[] = []
  const { session, authorization, token, broker } = await start(t, (request, response) => {
    response.once('close', () => left.push(String(request.url)))
    if (request.url === '/short') response.end('short')
    else response.write('begun')
  })
  const one = session()
  const open = (path: string) => one.request({ ':path': path, authorization })
  const [first, second] = [open('/first'), open('/second')]
  for (const stream of [first, second]) {
    stream.on('error', () => {})
    await once(stream, 'data')
  }
  first.close(constants.NGHTTP2_CANCEL)
  while (!left.includes('/first')) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal((await ask(one, { ':path': '/short', authorization })).text, 'short')
  const ended = new Promise((resolve) => second.once('close', resolve))
  await revoke(broker.url, token)
  await ended
  assert.notEqual(second.rstCode, constants.NGHTTP2_NO_ERROR, 'cut short, it must not look complete')
  assert.equal((await ask(one, { ':path': '/short', authorization })).status, 401, 'the connection lives')
  assert.ok(left.includes('/second'))
})

test('events of the server come as they are sent, and 100 comes before a body is asked for', async (t) => {
  const { session, authorization } = await start(t, (request, response) => {
    if (request.method === 'POST') request.pipe(response)
    else {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
    }
  })
  const one = session()
  const events = one.request({ ':path': '/events', authorization })
  events.on('error', () => {})
  assert.equal(String((await once(events, 'data'))[0]), 'data: one\n\n')
  events.close()
  const waits = one.request({ ':method': 'POST', ':path': '/orders', authorization, expect: '100-continue' })
  await once(waits, 'continue')
  waits.end('now')
  assert.equal(String((await once(waits, 'data'))[0]), 'now')
  const refused = one.request({ ':method': 'POST', ':path': '/orders', expect: '100-continue' })
  const [answer] = (await once(refused, 'response')) as [Record<string, number>]
  assert.equal(answer[':status'], 401)
  refused.close()
})

test('floods end their connection and nobody else is kept waiting', async (t) => {
  const { session, authorization, seen } = await start(t)
  const flooding = session()
  await once(flooding, 'connect')
  const over = new Promise((resolve) => flooding.once('close', resolve))
  for (let turn = 0; turn < 2_000 && !flooding.destroyed; turn++) {
    try {
      const stream = flooding.request({ ':path': '/orders', authorization })
      stream.on('error', () => {})
      stream.close(constants.NGHTTP2_CANCEL)
    } catch {
      break
    }
    if (turn % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const good = await ask(session(), { ':path': '/orders', authorization })
  assert.equal(good.status, 200)
  await over
  const large = session()
  const answer = await ask(large, { ':path': '/orders', authorization, 'x-large': 'a'.repeat(40_000) }).catch(
    (reset: Error) => reset,
  )
  if (!(answer instanceof Error)) assert.equal(answer.status, 431)
  const before = seen.length
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-${at}`, '1']))
  await ask(session(), { ':path': '/orders', authorization, ...many }).catch(() => undefined)
  assert.equal(seen.length, before)
})

test('a route that closes finishes what runs and takes nothing new', async (t) => {
  let finish = () => {}
  const { session, authorization, broker } = await start(t, (_, response) => {
    response.write('begun ')
    finish = () => response.end('ended')
  })
  const one = session()
  const running = ask(one, { ':path': '/orders', authorization })
  const away = once(one, 'goaway')

  await new Promise((resolve) => setTimeout(resolve, 50))
  const closed = broker.close()
  await away
  finish()
  assert.equal((await running).text, 'begun ended')
  await closed
})
