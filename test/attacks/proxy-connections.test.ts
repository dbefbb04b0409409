/**
 * Callers that use up the proxy or make one answer look like another: floods of pipelined requests (RFC 9112 9.3.2),
 * bytes that break off beside an answer (RFC 9112 11.1), slow heads and bodies (Slowloris, CAPEC-469).
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import type { HttpRouteSettings } from '@mayfly/broker/route/settings'
import { httpSettings, type OpenRoute, standing } from '../conformance/route.ts'
import { type FakeTools, fakeTools } from '../fakes/clock.ts'

const opening =
  (more: Partial<HttpRouteSettings> = {}, tools: FakeTools = fakeTools()): OpenRoute =>
  (upstream) =>
    openHttpRoute(httpSettings(upstream, more), tools)

const ok: RequestListener = (_, response) => response.end('ok')
const get = 'GET / HTTP/1.1\r\nHost: a\r\n'
const good = 'Authorization: Bearer good\r\n'

/** A caller as a socket, and what it read until it was closed. */
function call(url: string, bytes: string): { socket: Socket; text: () => string; closed: Promise<string> } {
  let text = ''
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  socket.write(bytes, 'latin1')
  return { socket, text: () => text, closed }
}

test('a flood of pipelined requests is cut; the gate is asked for a few of them only', async () => {
  await standing(opening(), ok, async ({ url, gate, reached }) => {
    let release = () => {}
    const decided = new Promise<void>((resolve) => {
      release = resolve
    })
    gate.before = () => decided
    await call(url, `${get}${good}\r\n`.repeat(5000)).closed
    assert.equal(gate.asks.length, 8)
    release()
    assert.deepEqual(reached, [])
    assert.equal((await fetch(url, { headers: { authorization: 'Bearer good' } })).status, 200)
  })
})

test('many connections together may not have more pending than is set', async () => {
  await standing(opening({ max_connections: 10 }), ok, async ({ url, gate }) => {
    let release = () => {}
    const decided = new Promise<void>((resolve) => {
      release = resolve
    })
    gate.before = () => decided
    const callers = Array.from({ length: 3 }, () => call(url, `${get}${good}\r\n`.repeat(4)))
    await Promise.race(callers.map(({ closed }) => closed))
    assert.equal(gate.asks.length, 10)
    release()
    for (const { socket } of callers) socket.destroy()
  })
})

test('what cannot be read beside a running answer cuts it and never adds to it', async () => {
  const half: RequestListener = (_, response) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('half')
  }
  for (const broken of ['\x01garbage\r\n\r\n', 'CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n']) {
    await standing(opening(), half, async ({ url }) => {
      const caller = call(url, `${get}${good}\r\n`)
      while (!caller.text().endsWith('half')) await once(caller.socket, 'data')
      caller.socket.write(broken, 'latin1')
      assert.match(await caller.closed, /^HTTP\/1.1 200 .*\r\n\r\nhalf$/s)
    })
  }
})

test('what cannot be read is not answered in the place of a request before it', async () => {
  await standing(opening(), ok, async ({ url, gate }) => {
    gate.before = () => new Promise(() => {})
    assert.equal(await call(url, `${get}${good}\r\n\x01garbage\r\n\r\n`).closed, '')
  })
})

test('a head that is too large, or no HTTP at all, gets a plain answer', async () => {
  await standing(opening(), ok, async ({ url, gate }) => {
    assert.match(await call(url, `${get}${good}X: ${'x'.repeat(20_000)}\r\n\r\n`).closed, /^HTTP\/1.1 431 /)
    assert.match(await call(url, '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n').closed, /^HTTP\/1.1 400 /)
    assert.deepEqual(gate.asks, [])
  })
})

test('a head that does not come in time is cut', async () => {
  await standing(opening({ header_timeout: 0.2 }), ok, async ({ url, gate }) => {
    for (const bytes of ['', 'GET /', `${get}${good}`]) {
      assert.match(await call(url, bytes).closed, /^HTTP\/1.1 408 /)
    }
    assert.deepEqual(gate.asks, [])
  })
})

test('an upload that stands still is cut, and so is one that nobody wants', async () => {
  const tools = fakeTools()
  const reads: RequestListener = (asked) => void asked.resume()
  await standing(opening({ idle_timeout: 0.1 }, tools), reads, async ({ url, reached }) => {
    for (const token of [good, '']) {
      const caller = call(url, `POST / HTTP/1.1\r\nHost: a\r\n${token}Content-Length: 10\r\n\r\nab`)
      await once(caller.socket, 'data')
      assert.match(caller.text(), token === '' ? /^HTTP\/1.1 401 / : /^HTTP\/1.1 504 /)
      tools.advance(5_000)
      await caller.closed
    }
    assert.equal(reached.length, 1)
  })
})

test('a caller that reads nothing of a large answer is cut, and its upstream with it', async () => {
  let upstreamEnded: Promise<unknown> = Promise.resolve()
  const flood: RequestListener = (_, response) => {
    upstreamEnded = once(response, 'close')
    const chunk = Buffer.alloc(65_536)
    const more = () => {
      while (response.write(chunk));
    }
    response.on('drain', more)
    more()
  }
  await standing(opening({ idle_timeout: 0.2 }), flood, async ({ url }) => {
    const caller = call(url, `${get}${good}\r\n`)
    await once(caller.socket, 'data')
    caller.socket.pause()
    await upstreamEnded
    caller.socket.resume()
    await caller.closed
  })
})
