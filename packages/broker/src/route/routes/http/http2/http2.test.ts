import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { fakeTools } from '../../../../../../../test/fakes/clock.ts'
import type { Gate } from '../../../route.ts'
import { openServing } from '../served.ts'
import { openHttp2 } from './http2.ts'

test('a connection whose last stream is over ends after its time, pinged or not; one with a stream does not', async (t) => {
  const tools = fakeTools()
  const finish: (() => void)[] = []
  const server = createServer((request, response) => {
    if (request.url === '/waits') finish.push(() => response.end())
    else response.end()
  })
  const serving = openServing(
    { name: 'api', target: 'api', max_connections: 10 },
    tools,
    {} as unknown as Gate,
  )
  const http2 = openHttp2(serving, { headersMs: 1_000, stillMs: 7_000 }, (side) =>
    server.emit('connection', side),
  )
  const open = () => {
    const [ours, theirs] = duplexPair()
    http2.take(theirs as unknown as TLSSocket)
    const session = connect('https://api.example', { createConnection: () => ours })
    session.on('error', () => {})
    t.after(() => session.destroy())
    return session
  }
  const ask = (session: ClientHttp2Session, path: string) => session.request({ ':path': path }).resume()
  const ping = (session: ClientHttp2Session) => new Promise<void>((resolve) => session.ping(() => resolve()))
  const [quiet, busy] = [open(), open()]
  await once(ask(quiet, '/'), 'close')
  await once(ask(busy, '/'), 'close')
  const running = ask(busy, '/waits')
  await ping(busy)
  tools.advance(74_000)
  await ping(quiet)
  const over = once(quiet, 'close')
  tools.advance(2_000)
  await over
  await ping(busy)
  assert.equal(busy.closed, false)
  for (const each of finish) each()
  await once(running, 'close')
  await ping(busy)
  const ended = once(busy, 'close')
  tools.advance(76_000)
  await ended
})
