/** undici over HTTP/2: an upload waits for the upstream and not in the broker, and arrives whole. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { Agent, buildConnector, request } from 'undici'
import { atEnd } from '../fakes/at-end.ts'
import { secureRoute } from '../fakes/secure-route.ts'

test('64 MiB by undici over HTTP/2: what the upstream does not read yet, nobody holds', async (t) => {
  let read = () => {}
  const began = Promise.withResolvers<void>()
  const digest = createHash('sha256')
  const spoken: unknown[] = []
  const route = await secureRoute(
    t,
    (received, response) => {
      read = () => {
        received.on('data', (piece: Buffer) => digest.update(piece))
        received.on('end', () => response.end('taken'))
      }
      began.resolve()
    },
    {},
  )
  const dial = buildConnector({ allowH2: true, ca: route.cert })
  const dispatcher = new Agent({
    allowH2: true,
    connect: (options, done) =>
      dial(options, (...dialled) => {
        const [, socket] = dialled
        if (socket instanceof TLSSocket) spoken.push(socket.alpnProtocol)
        done(...dialled)
      }),
  })
  atEnd(t, () => dispatcher.destroy())
  const expected = createHash('sha256')
  let made = 0
  async function* body() {
    for (let at = 0; at < 1024; at++) {
      const piece = Buffer.alloc(65_536, `piece ${at} `)
      expected.update(piece)
      made += piece.length
      yield piece
    }
  }
  const answer = request(`${route.url}/orders`, {
    dispatcher,
    method: 'POST',
    headers: { authorization: `Bearer ${await route.token()}` },
    body: Readable.from(body()),
  })
  await began.promise
  let [before, still] = [-1, 0]
  while (still < 20) {
    still = made === before ? still + 1 : 0
    before = made
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.ok(made < 24 << 20, `${made} octets were taken before anybody read one`)
  read()
  const { statusCode, body: said } = await answer
  assert.deepEqual([statusCode, await said.text()], [200, 'taken'])
  assert.equal(digest.digest('hex'), expected.digest('hex'))
  assert.equal(made, 64 << 20)
  assert.deepEqual(spoken, ['h2'])
})
