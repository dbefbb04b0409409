/** Whatever an upstream answers is read alike by us and by Node's own parser, and by neither as two answers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Listening } from '@mayfly/broker/route/route'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import fc from 'fast-check'
import { fakeTools } from '../fakes/clock.ts'
import { bearer, fakeGate, httpSettings } from './route.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
/** Ten times as many found nothing either. */
const runs = 300
const samples: readonly string[] = [
  `${ok}Content-Length: 5\r\n\r\nhello`,
  `${ok}Content-Type: text/plain\r\ncontent-length:5\r\nX-Odd: \ta b \t\r\nX-Empty:\r\nX-High: \xe9\xff\r\n\r\nhello`,
  `${ok}Content-Length: 0\r\n\r\n`,
  `${ok}Content-Length: 5\r\nConnection: close\r\n\r\nhello`,
  `${ok}Content-Length: 5\r\nConnection: keep-alive, X-Alone\r\nX-Alone: 1\r\nKeep-Alive: timeout=5\r\n\r\nhello`,
  `${ok}Content-Length: 5\r\nVia: 1.1 cache\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhello`,
  `${ok}Content-Length: 500\r\n\r\nhello`,
  `${ok}Content-Length: 5\r\n\r\nhello, and more`,
  `${ok}Content-Length: 5\r\n\r\nhello${ok}Content-Length: 4\r\n\r\nevil`,
  `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
  `${ok}Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: identity\r\n\r\nhello`,
  `${ok}\r\nuntil the end`,
  `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
  ...['5, 5', '+5', '-5', '0x5', '05', '5 5', '', '99999999999999999999'].map(
    (length) => `${ok}Content-Length: ${length}\r\n\r\nhello`,
  ),
  'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 404 Not There\r\nContent-Length: 4\r\n\r\nnone',
  ...['099', '600', '1000', '20', 'abc'].map((it) => `HTTP/1.1 ${it} X\r\nContent-Length: 5\r\n\r\nhello`),
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
  `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 5\r\n\r\nhello`,
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}Content-Length: 5\r\n\r\nhello`,
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello',
  `${ok}Upgrade: h2c\r\nContent-Length: 5\r\n\r\nhello`,
  `${ok}Trailer: X\r\nContent-Length: 5\r\n\r\nhello`,
  ...[
    'X-Folded: a\r\n b',
    'X-Bad : a',
    ': a',
    'none',
    'X-Nul: a\0b',
    'X-Return: a\rb',
    'X-Feed: a\nb',
    '(): a',
  ].map((line) => `${ok}${line}\r\nContent-Length: 5\r\n\r\nhello`),
  `${ok}Content-Length: 5\n\nhello`,
  `${ok}X-Long: ${'a'.repeat(20_000)}\r\nContent-Length: 5\r\n\r\nhello`,
  `http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello`,
  '\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'SSH-2.0-x\r\n\r\n',
  '',
]

/** An upstream that says what it is told to every request, and closes unless it is told to wait. */
async function teller(t: TestContext) {
  const said = { text: '', piece: 1_000_000, closes: true }
  const requests: string[] = []
  const sockets = new Set<Socket>()
  let made = 0
  const server = createServer((socket) => {
    let asked = ''
    sockets.add(socket.setNoDelay(true))
    made++
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', async (piece) => {
      asked += piece.toString('latin1')
      const isWhole = /\r\n\r\n$/.test(asked) && (!/chunked/.test(asked) || /\r\n0\r\n\r\n$/.test(asked))
      if (!isWhole) return
      requests.push(asked)
      asked = ''
      const { text, closes } = said
      for (let at = 0; at < text.length; at += said.piece) {
        socket.write(text.slice(at, at + said.piece), 'latin1')
        if (said.piece < text.length) await turn()
      }
      if (closes) socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const settings = httpSettings(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const listening: Listening[] = []
  // A new one has not learnt yet that this upstream's answers are not plain.
  const listen = async () => {
    const route = await openHttpRoute(settings, fakeTools()).listen(fakeGate())
    listening.push(route)
    return route.url
  }
  t.after(async () => {
    for (const each of listening) await each.close(0)
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { said, requests, sockets, made: () => made, listen }
}

/** What a caller sees of one request; with an empty body in chunks, Node's client carries it. */
function seen(url: string, byNode: boolean, method = 'GET'): Promise<unknown> {
  return new Promise((resolve) => {
    const asked = request(url, { method, agent: false, headers: bearer }, (answer) => {
      let body = ''
      answer.setEncoding('latin1').on('data', (piece) => {
        body += piece
      })
      answer.on('error', () => undefined)
      answer.on('close', () => {
        const fields = answer.rawHeaders.filter((_, at, all) => !/^(date)$/i.test(all[at - (at % 2)] ?? ''))
        const ours = fields.includes('application/problem+json')
        const text = ours ? 'a problem of ours' : body
        const { statusCode, statusMessage, complete } = answer
        resolve(complete ? [statusCode, statusMessage, ours ? [] : fields, text] : ['cut', statusCode])
      })
    })
    asked.on('error', () => resolve('no answer'))
    if (byNode) asked.setHeader('Transfer-Encoding', 'chunked')
    asked.end()
  })
}

for (const piece of [1_000_000, 7]) {
  test(`every kind of answer reaches the caller as Node's client would read it, in pieces of ${piece}`, async (t) => {
    const { said, requests, listen } = await teller(t)
    said.piece = piece
    for (const text of samples) {
      if (piece < 1000 && text.length > 1000) continue
      for (const method of ['GET', 'HEAD']) {
        said.text = text
        requests.length = 0
        const url = await listen()
        const name = `${method}: ${JSON.stringify(text.slice(0, 120))}`
        assert.deepEqual(await seen(url, false, method), await seen(url, true, method), name)
        assert.equal(requests.length, 2, `${name} was sent more than once`)
      }
    }
  })
}

const mostly = <T>(usual: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const fieldLines = fc.constantFrom(
  ...[
    'Content-Length: 5',
    'content-length:5 ',
    'Content-Length: 0',
    'Content-Length: 7',
    'Content-Length : 5',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Connection: Keep-Alive',
    'Connection: content-length',
  ],
  ...[
    'Keep-Alive: timeout=1',
    'X: \x01',
    'X: \x7f',
    'X: \xa0',
    'X:',
    'X\t: a',
    ' X: a',
    'X: a\tb',
    'Upgrade: a',
    'Trailer: X',
  ],
  ...[
    'Content-Length:\t5\t',
    'Content_Length: 9',
    'Content-Length: 5\0',
    'Content-Length\0: 9',
    'Via: 1.1 a',
    '"X": a',
  ],
)
const anyAnswer = fc
  .record({
    start: mostly(
      'HTTP/1.1 200 OK',
      'HTTP/1.1 204 No',
      'HTTP/1.1 304 Not',
      'HTTP/1.1  200 OK',
      'HTTP/1.10 200 OK',
      'ICY 200 OK',
    ),
    lines: fc.array(fc.tuple(fieldLines, mostly('\r\n', '\n', '\r', '\r\r\n', '')), { maxLength: 4 }),
    length: mostly('Content-Length: 5\r\n', ''),
    end: mostly('\r\n', '\n', '\r', ' \r\n', ''),
    body: mostly('hello', '', 'hell', 'hello!', '5\r\nhello\r\n0\r\n\r\n'),
  })
  .map(({ start, lines, length, end, body }) => `${start}\r\n${lines.flat().join('')}${length}${end}${body}`)

test('an answer put together at random is read alike too, or not at all', async (t) => {
  const { said, listen } = await teller(t)
  const property = fc.asyncProperty(anyAnswer, async (text) => {
    said.text = text
    const url = await listen()
    assert.deepEqual(await seen(url, false), await seen(url, true), JSON.stringify(text))
  })
  await fc.assert(property, { numRuns: runs })
})

test('a connection on which more came than was asked for, or that was said to close, carries nothing else', async (t) => {
  const { said, sockets, made, listen } = await teller(t)
  const url = await listen()
  const next = async (text: string) => {
    Object.assign(said, { text, closes: false })
    return ((await seen(url, false)) as unknown[])[3]
  }
  const plain = (body: string, more = '') => `${ok}${more}Content-Length: ${body.length}\r\n\r\n${body}`
  assert.deepEqual([await next(plain('a')), await next(plain('b')), made()], ['a', 'b', 1])
  assert.deepEqual([await next(plain('c') + plain('evil')), await next(plain('d')), made()], ['c', 'd', 2])
  assert.deepEqual(
    [await next(plain('e', 'Connection: close\r\n')), await next(plain('f')), made()],
    ['e', 'f', 3],
  )
  const [socket] = [...sockets].filter((each) => !each.destroyed)
  assert.ok(socket !== undefined)
  const closed = once(socket, 'close')
  socket.write(plain('evil'))
  await closed
  assert.deepEqual([await next(plain('g')), made()], ['g', 4])
})

test('a request that may be repeated is, once, when an idle connection closes just as it is used', async (t) => {
  const { said, requests, listen } = await teller(t)
  const url = await listen()
  Object.assign(said, { text: `${ok}Content-Length: 1\r\n\r\na`, closes: false })
  await seen(url, false)
  for (const [method, reached] of [
    ['GET', 3],
    ['DELETE', 2],
  ] as const) {
    requests.length = 0
    said.text = `${ok}Content-Length: 1\r\n\r\na`
    await seen(url, false)
    Object.assign(said, { text: '', closes: true })
    const [status] = (await seen(url, false, method)) as unknown[]
    assert.equal(status, 502)
    assert.equal(requests.length, reached, method)
    Object.assign(said, { closes: false })
  }
})
