/**
 * Requests that try to get around the proxy: smuggling (RFC 9112 11.2), look-alike headers, fields nominated by
 * Connection (RFC 9110 7.6.1), paths that two parsers read differently, tokens where they must not be (RFC 6750 2.3).
 * Sent as raw bytes, because clients refuse to send most of them.
 */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import { httpSettings, type OpenRoute, type Standing, standing } from '../conformance/route.ts'
import { fakeTools } from '../fakes/clock.ts'

const open: OpenRoute = (upstream) => openHttpRoute(httpSettings(upstream), fakeTools())

/** Answers with the raw fields that it saw. */
const echo: RequestListener = (asked, response) => {
  asked.resume()
  asked.on('end', () => response.end(JSON.stringify(asked.rawHeaders)))
}

const run = (title: string, use: (opened: Standing) => Promise<void>) =>
  test(title, () => standing(open, echo, use))

/** Sends bytes and reads until the other side closes. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write(bytes, 'latin1')
  })
}

const good = 'Authorization: Bearer good'

/** One request with these lines in its head; the connection ends after it. */
function ask(url: string, first: string, lines: readonly string[], body = ''): Promise<string> {
  return raw(url, `${[first, ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => status)

/** The fields that the upstream saw, names in lower case. */
function seen(text: string): readonly (readonly [string, string])[] {
  const json = /\[".*"\]/.exec(text)?.[0] ?? '[]'
  const flat = JSON.parse(json) as string[]
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), flat[i + 1] ?? ''] as const] : []))
}

run('a request whose end is not clear is refused and nothing after it is read', async ({ url, reached }) => {
  const inner = `GET /inner HTTP/1.1\r\nHost: a\r\n${good}\r\n\r\n`
  const heads = [
    ['Content-Length: 6', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: 6'],
    ['Content-Length: 5', 'Content-Length: 6'],
    ['Content-Length: 6', 'Content-Length: 6'],
    ['Content-Length: 5, 6'],
    ['Content-Length: +6'],
    ['Content-Length: 0x6'],
    ['Content-Length: -1'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding : chunked'],
    ['Transfer-Encoding: \x0bchunked'],
    ['X: y\rTransfer-Encoding: chunked'],
    ['X: y', ' Transfer-Encoding: chunked'],
  ]
  for (const head of heads) {
    const answer = await ask(url, 'POST / HTTP/1.1', ['Host: a', good, ...head], `0\r\n\r\n${inner}`)
    assert.deepEqual(statuses(answer), ['400'], `${JSON.stringify(head)}: ${answer}`)
  }
  assert.deepEqual(reached, [])
})

run('chunks with ambiguous sizes or line ends never reach the upstream complete', async ({ url }) => {
  const chunked = ['Host: a', good, 'Transfer-Encoding: chunked']
  for (const body of [
    '5\nhello\r\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    '5 \r\nhelloX\r\n0\r\n\r\n',
    '-1\r\n\r\n',
  ]) {
    const answer = await ask(url, 'POST / HTTP/1.1', chunked, body)
    assert.ok(!statuses(answer).includes('200'), `${JSON.stringify(body)}: ${answer}`)
  }
})

run('a request must say one valid host, and its target must be of that host', async ({ url, reached }) => {
  const cases: [string, string[]][] = [
    ['GET / HTTP/1.1', []],
    ['GET / HTTP/1.0', []],
    ['GET / HTTP/1.1', ['Host: a', 'Host: b']],
    ['GET / HTTP/1.1', ['Host: a', 'host: a']],
    ['GET / HTTP/1.1', ['Host:']],
    ['GET / HTTP/1.1', ['Host: a/b']],
    ['GET / HTTP/1.1', ['Host: user@a']],
    ['GET / HTTP/1.1', ['Host: a, b']],
    ['GET http://other/ HTTP/1.1', ['Host: a']],
    ['GET http://a@other/ HTTP/1.1', ['Host: a']],
    ['GET https://a/ HTTP/1.1', ['Host: a']],
    ['OPTIONS * HTTP/1.1', ['Host: a']],
  ]
  for (const [first, lines] of cases) {
    const answer = await ask(url, first, [good, ...lines])
    assert.deepEqual(statuses(answer), ['400'], `${first} ${lines}: ${answer}`)
  }
  assert.deepEqual(reached, [])
  assert.deepEqual(statuses(await ask(url, 'GET http://A/x?y HTTP/1.1', ['Host: a', good])), ['200'])
  assert.deepEqual(reached, ['GET /x?y'])
})

run('tunnels, traces and upgrades are not carried', async ({ url, reached }) => {
  const cases: [string, string[]][] = [
    ['CONNECT other:443 HTTP/1.1', ['Host: other:443']],
    ['TRACE / HTTP/1.1', ['Host: a']],
    ['GET / HTTP/1.1', ['Host: a', 'Upgrade: websocket']],
    ['GET / HTTP/1.1', ['Host: a', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA']],
  ]
  for (const [first, lines] of cases) {
    assert.deepEqual(statuses(await ask(url, first, [good, ...lines])), ['501'], first)
  }
  assert.deepEqual(reached, [])
})

run('a path that two parsers could read in two ways is refused', async ({ url, gate, reached }) => {
  const paths = [
    ...[
      '//orders',
      '/a\\b',
      '/a%5cb',
      '/a%5Cb',
      '/a%2fb',
      '/a%2Fb',
      '/a%00',
      '/a%0d%0ab',
      '/a%7f',
      '/a%',
      '/a%zz',
    ],
    ...[
      '/a/../b',
      '/a/./b',
      '/..',
      '/a/%2e%2e/b',
      '/a/%2E./b',
      '/a/.%2e',
      '/%2e/b',
      '/a/..;/b',
      '/a/..%3bx/b',
    ],
    // Overlong forms of `.` and `/` (RFC 3629 10), and what is no UTF-8 at all.
    ...['/%c0%ae%c0%ae/a', '/..%c0%af', '/%e0%80%ae/a', '/a%ff', '/a%c3'],
    ...['/a#b', '/a\x80', '/a\x01b', '/a?x\\y'],
  ]
  for (const path of paths) {
    const answer = await ask(url, `GET ${path} HTTP/1.1`, ['Host: a', good])
    assert.deepEqual(statuses(answer), ['400'], `${path}: ${answer}`)
  }
  assert.deepEqual([reached, gate.asks], [[], []])
})

run('a plain path arrives byte for byte', async ({ url, reached }) => {
  const paths = ['/a/b/..c/d.e', '/a//b', '/%252e%252e/x', '/a;v=1/...', '/%C3%BC?q=%2F..%2f&x=a//b', '/a?']
  for (const path of paths) await ask(url, `GET ${path} HTTP/1.1`, ['Host: a', good])
  assert.deepEqual(
    reached,
    paths.map((path) => `GET ${path}`),
  )
})

run('a token in the query is refused and recorded, however it is spelled', async ({ url, gate, reached }) => {
  const queries = [
    'access_token=good',
    'x=1&access_token=good',
    'x;access_token',
    '%61ccess%5ftoken=g',
    'ACCESS_TOKEN=g',
  ]
  for (const query of queries) {
    const answer = await ask(url, `GET /?${query} HTTP/1.1`, ['Host: a', good])
    assert.deepEqual(statuses(answer), ['400'], query)
    assert.match(answer, /WWW-Authenticate: Bearer realm="mayfly", error="invalid_request".*"au_fault"/s)
    assert.doesNotMatch(answer, /=g/)
  }
  assert.deepEqual(reached, [])
  assert.deepEqual(
    gate.asks.map(({ token, action, fault }) => [token, action, typeof fault]),
    queries.map(() => [undefined, 'GET /', 'string']),
  )
})

run(
  'several tokens, or what is no single token, are refused and recorded',
  async ({ url, gate, reached }) => {
    const cases = [
      [good, good],
      [good, 'authorization: Bearer bad'],
      ['Authorization: Basic YTpi', good],
      ['Authorization: Bearer good, Bearer good'],
      ['Authorization: Bearer good x'],
      ['Authorization: Bearer'],
      ['Authorization: Bearer \x80'],
    ]
    for (const lines of cases) {
      const answer = await ask(url, 'GET / HTTP/1.1', ['Host: a', ...lines])
      assert.deepEqual(statuses(answer), ['400'], lines.join())
    }
    assert.deepEqual(
      gate.asks.map(({ token, fault }) => [token, typeof fault]),
      cases.map(() => [undefined, 'string']),
    )
    const other = await ask(url, 'GET / HTTP/1.1', ['Host: a', 'Authorization: Basic Z29vZDpnb29k'])
    assert.deepEqual(statuses(other), ['401'])
    assert.deepEqual(reached, [])
  },
)

run('what only the proxy may say never comes from the caller', async ({ url }) => {
  const names = [
    ...[
      'X-Mayfly-Subject',
      'x-mayfly-subject',
      'X_Mayfly_Subject',
      'X-Mayfly_Lease',
      'X-MAYFLY-SCOPE',
      'X-Mayfly-New',
    ],
    ...[
      'X-Forwarded-For',
      'X_Forwarded_For',
      'X-Forwarded-Host',
      'X-Forwarded-User',
      'X-Forwarded',
      'Forwarded',
    ],
    ...['X.Mayfly.Subject', 'X~Mayfly~Lease', 'X-Mayfly!Scope', 'Content_Length', 'Transfer_Encoding'],
    ...['X-Real-IP', 'X-Original-URL', 'X-Rewrite-URL', 'Proxy-Authorization', 'Proxy', 'Proxy-Connection'],
  ]
  const lines = names.map((name) => `${name}: evil`)
  const fields = seen(await ask(url, 'GET / HTTP/1.1', ['Host: a', good, ...lines]))
  assert.ok(fields.length > 5)
  assert.deepEqual(
    fields.filter(([, value]) => value.includes('evil') || value.includes('good')),
    [],
  )
  for (const name of ['x-mayfly-subject', 'x-mayfly-lease', 'x-mayfly-scope', 'x-forwarded-for', 'host']) {
    assert.equal(fields.filter(([each]) => each === name).length, 1, name)
  }
})

run('fields that Connection names end here, and naming ours takes nothing away', async ({ url }) => {
  const named = 'X-Secret, x-mayfly-subject, X-Forwarded-For, Host, Via, TE, Content-Length, Authorization'
  const lines = [
    'Host: a',
    good,
    'X-Secret: 1',
    'X-Kept: 2',
    'TE: trailers',
    'Keep-Alive: 5',
    'Content-Length: 4',
  ]
  const answer = await raw(
    url,
    `POST / HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: ${named}, close\r\n\r\nbody`,
  )
  assert.deepEqual(statuses(answer), ['200'])
  const fields = new Map(seen(answer))
  for (const gone of ['x-secret', 'te', 'keep-alive', 'authorization'])
    assert.equal(fields.get(gone), undefined)
  assert.equal(fields.get('x-kept'), '2')
  assert.equal(fields.get('x-mayfly-subject'), 'repo:acme/shop')
  assert.equal(fields.get('x-forwarded-for'), '127.0.0.1')
  assert.equal(fields.get('content-length'), '4')
  assert.match(fields.get('via') ?? '', /mayfly$/)
})

run('of pipelined requests each passes the gate with its own token', async ({ url, gate, reached }) => {
  const one = (path: string, token: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${more}\r\n`
  const answer = await raw(
    url,
    one('/1', 'good') + one('/2', 'bad') + one('/3', 'good', 'Connection: close\r\n'),
  )
  assert.deepEqual(statuses(answer), ['200', '401', '200'])
  assert.equal(gate.asks.length, 3)
  assert.deepEqual(reached.toSorted(), ['GET /1', 'GET /3'])
})
