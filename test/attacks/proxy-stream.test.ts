/** A stream that was let in must not outlive its lease: it is asked about while it is carried, and cut. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import { httpSettings, standing } from '../conformance/route.ts'
import { fakeTools } from '../fakes/clock.ts'

/** Until it holds, or five seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await wait(10)
  assert.ok(holds())
}

test('an open upload is cut within a second of its lease ending, and what follows never arrives', async () => {
  const tools = fakeTools()
  let received = ''
  await standing(
    (upstream) => openHttpRoute(httpSettings(upstream), tools),
    (request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.toString()
        response.write('heard')
      })
      request.on('error', () => {})
    },
    async ({ url, gate }) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      let closed = false
      socket.on('close', () => {
        closed = true
      })
      socket.on('error', () => {})
      socket.resume()
      socket.write('POST /stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n')
      socket.write('Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
      await until(() => received === 'one')
      tools.advance(1000)
      await wait(50)
      socket.write('3\r\ntwo\r\n')
      await until(() => received === 'onetwo')
      assert.equal(closed, false, 'while the lease lives the stream does')
      gate.revoked = true
      tools.advance(1000)
      await until(() => closed)
      socket.write('5\r\nthree\r\n')
      await wait(50)
      assert.equal(received, 'onetwo')
    },
  )
})
