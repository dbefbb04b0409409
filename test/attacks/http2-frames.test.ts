/** HTTP/2 as no client library would send it, at a route of a whole broker: its connection ends, or its stream does. */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { exportedLog } from '../fakes/exported-log.ts'
import { type Came, fieldBlock, flag, frame, framed, openFrames } from '../fakes/http2-frames.ts'
import { secureRoute } from '../fakes/secure-route.ts'
import { hostilePolicy, hostileRequests } from './hostile-http.ts'

type Fields = readonly (readonly [name: string, value: string])[]

async function start(t: TestContext, answer: RequestListener, more = '') {
  const route = await secureRoute(t, answer, { more })
  const token = await route.token()
  const { host } = new URL(route.url)
  const fields: Fields = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/orders'],
    [':authority', host],
    ['authorization', `Bearer ${token}`],
  ]
  const open = (settings?: Buffer) => openFrames(t, route.url, route.cert, settings)
  return { fields, open }
}

const whole = flag.endHeaders | flag.endStream
const withField = (fields: Fields, name: string, value: string): Fields =>
  fields.map(([each, said]) => [each, each === name ? value : said])
/** `:status: 200`, as the static table of HPACK has it. */
const isGood = (came: Came) => came.type === frame.headers && came.payload[0] === 0x88
const isOfStream = ({ stream, type }: Came) => stream === 1 || type === frame.goaway

test('heads that are none are reset; a field that no field may be is left out, and the octets of others stay', async (t) => {
  const seen: string[][] = []
  const { fields, open } = await start(t, (request, response) => {
    seen.push(request.rawHeaders)
    request.resume()
    response.end('ok')
  })
  const reset: readonly Fields[] = [
    [...fields, ['X-Upper', '1']],
    [...fields, [':path', '/admin']],
    [...fields, ['connection', 'x-a']],
    [...fields, ['proxy-connection', 'keep-alive']],
    [...fields, ['transfer-encoding', 'chunked']],
    [...fields, ['upgrade', 'websocket']],
    [...fields, ['te', 'gzip']],
    [...fields, ['content-length', '0x5']],
    [...fields, ['content-length', '5']],
    [[':status', '200'], ...fields],
    [[':protocol', 'websocket'], ...withField(fields, ':method', 'CONNECT')],
    withField(fields, ':path', ''),
    withField(fields, ':path', '/a\r\nx-b: 1'),
    withField(fields, ':path', '/a HTTP/1.1'),
    withField(fields, ':method', 'GET /x'),
    withField(fields, ':authority', 'somebody@127.0.0.1'),
    fields.filter(([name]) => name !== ':authority'),
  ]
  for (const head of reset) {
    const frames = await open()
    frames.say(framed(frame.headers, whole, 1, fieldBlock(head)))
    const came = await frames.first(isOfStream)
    assert.equal(came?.type, frame.reset, JSON.stringify(head))
    frames.socket.destroy()
  }
  assert.deepEqual(seen, [])
  const frames = await open()
  const odd: Fields = [
    ['x-a', 'a\r\nx-b: 1'],
    ['x-a', 'a\0b'],
    ['x-a:b', '1'],
    ['x a', '1'],
    ['', '1'],
    ['x_mayfly_subject', 'forged'],
    ['x-forwarded-for', 'forged'],
    ['x-name', 'caf\u00e9'],
    ['cookie', 'name=\u00c3\u00a9'],
  ]
  const body = framed(frame.data, flag.endStream, 1, Buffer.from('body'))
  const post = withField(fields, ':method', 'POST')
  frames.say(framed(frame.headers, flag.endHeaders, 1, fieldBlock([...post, ...odd])), body)
  assert.ok(isGood((await frames.first(isOfStream)) ?? assert.fail('nothing came')))
  const arrived: readonly string[] = seen[0] ?? []
  assert.doesNotMatch(JSON.stringify(arrived), /forged|x-b|x-a/)
  assert.equal(arrived[arrived.indexOf('x-name') + 1], 'caf\u00e9')
  assert.equal(arrived[arrived.indexOf('cookie') + 1], 'name=\u00c3\u00a9')
})

test('bodies shorter or longer than they said, and trailers beyond bounds, do not arrive whole', async (t) => {
  const ended: string[] = []
  const { fields, open } = await start(t, (request, response) => {
    request.on('error', () => {})
    request.resume().on('end', () => {
      ended.push(String(request.url))
      response.end('ok')
    })
  })
  const post = withField(fields, ':method', 'POST')
  for (const [length, body] of [
    ['10', 'abc'],
    ['2', 'abc'],
  ] as const) {
    const frames = await open()
    const head = fieldBlock([...withField(post, ':path', '/length'), ['content-length', length]])
    const data = framed(frame.data, flag.endStream, 1, Buffer.from(body))
    frames.say(framed(frame.headers, flag.endHeaders, 1, head), data)
    const came = await frames.first(isOfStream)
    assert.ok(came !== undefined && !isGood(came), length)
    frames.socket.destroy()
  }
  const frames = await open()
  const long = Array.from({ length: 100 }, (_, at) => [`x-${at}`, 'v'.repeat(300)] as const)
  const block = fieldBlock(long)
  frames.say(
    framed(frame.headers, flag.endHeaders, 1, fieldBlock(withField(post, ':path', '/trailers'))),
    framed(frame.data, 0, 1, Buffer.from('abc')),
    framed(frame.headers, flag.endStream, 1, block.subarray(0, 16_000)),
    framed(frame.continuation, flag.endHeaders, 1, block.subarray(16_000)),
  )
  const came = await frames.first(isOfStream)
  assert.ok(came === undefined || !isGood(came))
  assert.deepEqual(ended, [])
})

test('a connection on which nobody asks ends with the time for a head, whatever else it says', async (t) => {
  const { fields, open } = await start(t, (_, response) => response.end('ok'), ', header_timeout: 1s')
  const [quiet, half, pinging] = await Promise.all([open(), open(), open()])
  half.say(framed(frame.headers, flag.endStream, 1, fieldBlock(fields).subarray(0, 20)))
  const ping = setInterval(() => pinging.say(framed(frame.ping, 0, 0, Buffer.alloc(8))), 100)
  await Promise.all([quiet.over, half.over, pinging.over]).finally(() => clearInterval(ping))
  for (const { came } of [quiet, half, pinging]) assert.equal(came.some(isGood), false)
  assert.ok(
    pinging.came.some(({ type }) => type === frame.ping),
    'it was alive until then',
  )
})

test('floods of frames end their own connection, and the next request is answered', async (t) => {
  const { fields, open } = await start(t, (request, response) => {
    request.resume().on('end', () => response.end('ok'))
  })
  const post = fieldBlock(withField(fields, ':method', 'POST'))
  const floods: Readonly<Record<string, readonly [first: Buffer[], each: Buffer]>> = {
    pings: [[], framed(frame.ping, 0, 0, Buffer.alloc(8))],
    settings: [[], framed(frame.settings, 0, 0)],
    priorities: [[], framed(frame.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1]))],
    'heads that never end': [
      [framed(frame.headers, flag.endStream, 1, fieldBlock(fields))],
      framed(frame.continuation, 0, 1),
    ],
    'empty pieces of a body': [[framed(frame.headers, flag.endHeaders, 1, post)], framed(frame.data, 0, 1)],
    'windows of no size': [[], framed(frame.window, 0, 0, Buffer.alloc(4))],
  }
  for (const [name, [first, each]] of Object.entries(floods)) {
    const frames = await open()
    frames.say(...first, ...Array.from({ length: 20_000 }, () => each))
    await frames.over
    assert.equal(frames.came.some(isGood), false, name)
  }
  const good = await open()
  good.say(framed(frame.headers, whole, 1, fieldBlock(fields)))
  assert.ok(isGood((await good.first(isOfStream)) ?? assert.fail('nothing came')))
})

test('callers that stop their window lose those streams after the idle time, and no more is held for them', async (t) => {
  const piece = Buffer.alloc(65_536)
  let taken = 0
  const { fields, open } = await start(
    t,
    (request, response) => {
      if (request.url === '/orders') response.end('ok')
      else {
        const more = () => {
          while (!response.destroyed && response.write(piece, () => (taken += piece.length)));
        }
        response.on('drain', more)
        more()
      }
    },
    ', idle_timeout: 1s',
  )
  const noWindow = Buffer.from([0, 4, 0, 0, 0, 0])
  const frames = await open(noWindow)
  const endless = fieldBlock(withField(fields, ':path', '/endless'))
  const ping = setInterval(() => frames.say(framed(frame.ping, 0, 0, Buffer.alloc(8))), 200)
  t.after(() => clearInterval(ping))
  const ids = Array.from({ length: 20 }, (_, at) => 2 * at + 1)
  frames.say(...ids.map((id) => framed(frame.headers, whole, id, endless)))
  for (const id of ids) await frames.first(({ type, stream }) => stream === id && type === frame.reset)
  assert.ok(ids.every((id) => frames.came.some(({ type, stream }) => stream === id && type === frame.reset)))
  assert.equal(
    frames.came.some(({ type }) => type === frame.data),
    false,
  )
  // What the buffers of the kernel and of each side of the broker take, and no stream of it.
  assert.ok(taken < ids.length * 16_777_216, `${taken}`)
  frames.say(framed(frame.headers, whole, 99, fieldBlock(fields)))
  assert.ok(isGood((await frames.first(({ stream }) => stream === 99)) ?? assert.fail('nothing came')))
})

test('the hostile requests of HTTP/1.1, as far as HTTP/2 can say them: refused, recorded, never at the upstream', async (t) => {
  const reached: string[] = []
  const route = await secureRoute(
    t,
    (request, response) => {
      reached.push(`${request.method} ${request.url}`)
      response.end('order')
    },
    { policy: hostilePolicy, environment: 'staging' },
  )
  const { host } = new URL(route.url)
  const answered: RegExp[] = []
  let token = await route.token()
  for (const [at, { head, body = '', reason }] of hostileRequests.entries()) {
    if (at % 20 === 19) token = await route.token()
    const [line = '', ...lines] = head
    const [, method = '', target = ''] = /^(\S+) (.*) HTTP\/1\.1$/.exec(line) ?? []
    if (method === '' || !lines.some((each) => each.startsWith('Host: orders.example'))) continue
    const more = lines
      .filter((each) => each !== 'Host: orders.example')
      .map((each) => {
        const [name = '', ...value] = each.split(': ')
        return [name.toLowerCase(), value.join(': ').replaceAll('TOKEN', token)] as const
      })
    // What breaks a field is left out there, and asks for nothing hostile any more.
    if (more.some(([name, value]) => !/^[a-z0-9_-]+$/.test(name) || /[\0\r\n]/.test(value))) continue
    const fields: Fields = [
      [':method', method],
      [':scheme', 'https'],
      [':path', target.replaceAll('TOKEN', token)],
      [':authority', host],
      ...more,
    ]
    const frames = await openFrames(t, route.url, route.cert)
    const block = fieldBlock(fields)
    const pieces = [block.subarray(0, 16_000), block.subarray(16_000)] as const
    frames.say(
      framed(frame.headers, body === '' ? flag.endStream : 0, 1, pieces[0]),
      framed(frame.continuation, flag.endHeaders, 1, pieces[1]),
      ...(body === '' ? [] : [framed(frame.data, flag.endStream, 1, Buffer.from(body))]),
    )
    const came = await frames.first(isOfStream)
    assert.ok(came !== undefined && !isGood(came), head.join(' | ').slice(0, 200))
    if (came.type === frame.headers) answered.push(reason)
    frames.socket.destroy()
    assert.deepEqual(reached, [], head.join(' | ').slice(0, 200))
  }
  assert.ok(answered.length >= 30, `${answered.length}`)
  await route.close()
  const { entries, text } = await exportedLog(route.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  assert.equal(refused.length, answered.length)
  for (const [at, reason] of answered.entries()) {
    const { code = '', reason: why = '', detail = '' } = refused[at] ?? {}
    const said = `${code} ${why} ${detail}`
    // What cannot be said again in HTTP/1.1 is one unreadable line there.
    if (!/its method is none|its target is none/.test(said)) assert.match(said, reason)
  }
  assert.doesNotMatch(text, new RegExp(token.slice(-40)))
})
