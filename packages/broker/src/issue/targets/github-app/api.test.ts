import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { ask, Unanswered } from './api.ts'

const bearer = 'ghs_hunter2hunter2'

/** What became of one question to a server that answers in its own way: the answer's status, or why there is none. */
async function asked(answer: (socket: Socket) => void, milliseconds = 2000): Promise<string> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const what = { method: 'POST', url: `http://127.0.0.1:${port}/x`, bearer, body: {} } as const
  try {
    return String((await ask(what, new AbortController().signal, milliseconds)).status)
  } catch (thrown) {
    assert.ok(thrown instanceof Unanswered)
    assert.doesNotMatch(`${thrown.stack} ${JSON.stringify(thrown)}`, /hunter2/)
    assert.ok(thrown.sent)
    return thrown.message.replace(/^\S+ /, '')
  } finally {
    for (const socket of open) socket.destroy()
    server.close()
  }
}

const head = 'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n'

test('every answer that is none ends, within its time, and counts as one that may have been acted on', {
  timeout: 10_000,
}, async () => {
  assert.equal(await asked(() => {}, 50), 'did not answer in time')
  // The head comes, the body trickles: half an answer is none.
  assert.equal(
    await asked((socket) => socket.write(`${head}Content-Length: 100\r\n\r\n{`), 50),
    'did not answer in time',
  )
  assert.equal(
    await asked((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ),
    'closed the connection without an answer',
  )
  assert.match(await asked((socket) => socket.destroy()), /^cannot be reached \(ECONNRESET\)$/)
  assert.match(
    await asked((socket) => socket.end(`${head}Content-Length: 100\r\n\r\n{`)),
    /ECONNRESET|broke off/,
  )
  assert.match(await asked((socket) => socket.end('hello\r\n\r\n')), /HPE_INVALID_CONSTANT/)
  assert.match(
    await asked((socket) => socket.end(`${head}X: ${'x'.repeat(20_000)}\r\n\r\n`)),
    /HPE_HEADER_OVERFLOW/,
  )
  const large = 'x'.repeat(9 * 1_048_576)
  assert.match(
    await asked((socket) => socket.end(`${head}\r\n${large}`)),
    /more than such an answer can hold/,
  )
  assert.equal(await asked((socket) => socket.end(`${head}Content-Length: 1\r\n\r\n{`)), '201')
})

test('a redirect is an answer, and the credential goes nowhere else', async () => {
  let others = 0
  const other = createServer(() => others++)
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const to = `HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:${port}/\r\nContent-Length: 0\r\n\r\n`
  assert.equal(await asked((socket) => socket.end(to)), '307')
  other.close()
  assert.equal(others, 0)
})

test('what was never sent is known as such', async () => {
  const what = { method: 'POST', url: 'http://127.0.0.1:1/x', bearer, body: {} } as const
  await assert.rejects(ask(what, new AbortController().signal), { sent: false, message: /ECONNREFUSED/ })
  await assert.rejects(ask(what, AbortSignal.abort()), { sent: false })
  await assert.rejects(ask({ ...what, url: 'https://127.0.0.1:1/x' }, new AbortController().signal), {
    sent: false,
  })
})
