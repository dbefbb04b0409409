import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type RequestListener, request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import { routeSettings } from '@mayfly/broker/route/settings'
import { fakeTools } from '../fakes/clock.ts'
import { bearer, fakeGate, httpSettings, type OpenRoute, standing, testRoute } from './route.ts'

function opening(idleSeconds = 10, tools = fakeTools()): OpenRoute {
  return (upstream) => openHttpRoute(httpSettings(upstream, { idle_timeout: idleSeconds }), tools)
}
const open = opening()

testRoute('http', open)

test('the upstream learns who asks and never the token', async () => {
  const echo: RequestListener = (asked, response) => response.end(JSON.stringify(asked.headers))
  await standing(open, echo, async ({ url }) => {
    const headers = { ...bearer, 'x-kept': 'yes', cookie: 'a=b' }
    const seen = (await (await fetch(url, { headers })).json()) as Record<string, string>
    assert.equal(seen['authorization'], undefined)
    assert.equal(seen['x-mayfly-subject'], 'repo:acme/shop')
    assert.equal(seen['x-mayfly-lease'], 'ls_1')
    assert.equal(seen['x-mayfly-scope'], 'orders:read orders:write')
    assert.equal(seen['x-forwarded-for'], '127.0.0.1')
    assert.equal(seen['x-forwarded-proto'], 'http')
    assert.equal(seen['x-forwarded-host'], new URL(url).host)
    assert.equal(seen['via'], '1.1 mayfly')
    assert.deepEqual([seen['x-kept'], seen['cookie']], ['yes', 'a=b'])
  })
})

test('large bodies go both ways unchanged, with and without a known length', async () => {
  const mirror: RequestListener = (asked, response) => asked.pipe(response)
  await standing(open, mirror, async ({ url }) => {
    const body = randomBytes(5_000_000)
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    const bodies = [{ body }, { body: new Blob([body]).stream(), duplex: 'half' }]
    for (const each of bodies) {
      const answer = await fetch(url, { method: 'POST', headers: bearer, ...each })
      assert.equal(hash(await answer.bytes()), hash(body))
    }
  })
})

test('a caller that does not read stops the upstream from sending', async () => {
  let sent = 0
  const flood: RequestListener = (_, response) => {
    const chunk = Buffer.alloc(65_536)
    const more = () => {
      do sent += chunk.length
      while (sent < 500_000_000 && response.write(chunk))
    }
    response.on('drain', more)
    more()
  }
  await standing(open, flood, async ({ url }) => {
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
    asked.destroy()
  })
})

test('status, repeated fields and redirects come back as they were; fields of one connection do not', async () => {
  const upstream: RequestListener = (_, response) => {
    response.writeHead(302, [
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Location', '/next'],
      ...['Connection', 'X-Hop', 'X-Hop', 'gone', 'Keep-Alive', 'timeout=99'],
    ])
    response.end()
  }
  await standing(open, upstream, async ({ url }) => {
    const answer = await fetch(url, { headers: bearer, redirect: 'manual' })
    assert.equal(answer.status, 302)
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(answer.headers.get('location'), '/next')
    assert.equal(answer.headers.get('x-hop'), null)
    assert.doesNotMatch(answer.headers.get('keep-alive') ?? '', /99/)
  })
})

test('an upstream that is away is 502, one that is silent is 504', async () => {
  const away = await opening()('http://127.0.0.1:1').listen(fakeGate())
  const answer = await fetch(away.url, { headers: bearer })
  assert.equal(answer.status, 502)
  assert.match(await answer.text(), /"error_id":"er_/)
  await away.close(0)
  await standing(
    opening(0.1),
    () => {},
    async ({ url }) => {
      assert.equal((await fetch(url, { headers: bearer })).status, 504)
    },
  )
})

test('an upstream that falls silent within a body, or switches protocols unasked, is cut', async () => {
  const stalls: RequestListener = (_, response) => void response.write('part')
  await standing(opening(0.1), stalls, async ({ url }) => {
    const answer = await fetch(url, { headers: bearer })
    await assert.rejects(answer.text())
  })
  const switches: RequestListener = (_, response) => {
    response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
  }
  await standing(open, switches, async ({ url, reached }) => {
    assert.equal((await fetch(url, { headers: bearer })).status, 502)
    assert.equal(reached.length, 1)
  })
})

test('the answer to an upload that the upstream does not want arrives, and the connection goes on', async () => {
  const refuses: RequestListener = (asked, response) => {
    if (asked.method === 'GET') response.end('next')
    else response.writeHead(413, { Connection: 'close' }).end('too large')
  }
  const tools = fakeTools()
  await standing(opening(10, tools), refuses, async ({ url }) => {
    const body = Buffer.alloc(3_000_000)
    for (let i = 0; i < 10; i++) {
      const answer = await fetch(url, { method: 'POST', body, headers: bearer })
      assert.deepEqual([answer.status, await answer.text()], [413, 'too large'])
    }
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const head = 'Host: a\r\nAuthorization: Bearer good\r\n'
    socket.write(`POST / HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n`)
    socket.write(body)
    socket.write(`GET / HTTP/1.1\r\n${head}Connection: close\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    assert.match(text, /^HTTP\/1.1 413 .*too large.*HTTP\/1.1 200 .*next$/s)
    // fetch never sends the rest of its upload; that ends here.
    tools.advance(5_000)
  })
})

test('answers without a body keep their fields, and the connection goes on', async () => {
  const upstream: RequestListener = (asked, response) => {
    const status = Number(asked.url?.slice(1))
    response.writeHead(status, { ETag: '"1"', ...(status === 200 ? { 'Content-Length': '7' } : {}) }).end()
  }
  await standing(open, upstream, async ({ url }) => {
    const cases: [string, number][] = [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
      ['HEAD', 404],
    ]
    for (const [method, status] of cases) {
      const answer = await fetch(`${url}/${status}`, { method, headers: bearer })
      assert.deepEqual([answer.status, answer.headers.get('etag'), await answer.text()], [status, '"1"', ''])
      if (status === 200) assert.equal(answer.headers.get('content-length'), '7')
    }
  })
})

test('a caller that goes away ends the request to the upstream', async () => {
  let ended: Promise<unknown> = Promise.resolve()
  let arrived = () => {}
  const inside = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const slow: RequestListener = (_, response) => {
    ended = once(response, 'close')
    arrived()
  }
  await standing(open, slow, async ({ url }) => {
    const asked = request(url, { headers: bearer }).end()
    asked.on('error', () => {})
    await inside
    asked.destroy()
    await ended
  })
})

test('a body that the upstream cut does not look complete', async () => {
  const cut: RequestListener = (_, response) => {
    response.write('half', () => response.destroy())
  }
  await standing(open, cut, async ({ url }) => {
    const answer = await fetch(url, { headers: bearer })
    await assert.rejects(answer.text())
  })
})

test('100-continue is said only after the gate', async () => {
  const mirror: RequestListener = (asked, response) => asked.pipe(response)
  await standing(open, mirror, async ({ url, reached }) => {
    const { port } = new URL(url)
    for (const token of ['bad', 'good']) {
      const socket = connect(Number(port), '127.0.0.1')
      const head = `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\n`
      socket.write(`${head}Content-Length: 4\r\nConnection: close\r\n\r\n`)
      const [first] = (await once(socket, 'data')) as [Buffer]
      assert.match(first.toString(), token === 'good' ? /^HTTP\/1.1 100 / : /^HTTP\/1.1 401 /)
      if (token === 'good') {
        socket.write('body')
        const [second] = (await once(socket, 'data')) as [Buffer]
        assert.match(second.toString(), /^HTTP\/1.1 200 /)
      }
      socket.destroy()
    }
    assert.equal(reached.length, 1)
  })
})

test('an upload that is refused gets its answer, and an endless one is cut', async () => {
  await standing(
    open,
    () => {},
    async ({ url, reached }) => {
      const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(200_000) })
      assert.equal(answer.status, 401)
      const socket = connect(Number(new URL(url).port), '127.0.0.1').resume()
      socket.on('error', () => {})
      const closed = new Promise((resolve) => socket.once('close', resolve))
      const chunk = Buffer.alloc(65_536)
      const more = () => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', more)
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n')
      more()
      await closed
      assert.deepEqual(reached, [])
    },
  )
})

test('settings take an origin and nothing more', () => {
  const base = { kind: 'http', name: 'orders', listen: '127.0.0.1:9090', target: 'orders-api' }
  const parse = (upstream: string) => routeSettings.safeParse({ ...base, upstream })
  assert.deepEqual(parse('http://127.0.0.1:3000').data?.listen, { host: '127.0.0.1', port: 9090 })
  const found = parse('https://api.example.com/').data
  assert.equal(found?.kind === 'http' ? found.upstream : '', 'https://api.example.com')
  for (const wrong of ['http://a/path', 'http://a?x', 'http://u:p@a', 'ftp://a', 'a:80', 'http://a#x', '']) {
    assert.equal(parse(wrong).success, false, wrong)
  }
})
