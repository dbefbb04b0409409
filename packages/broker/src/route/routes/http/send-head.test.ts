import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { sendHead } from './send-head.ts'

test('a head leaves before its body, octet by octet as it came, also where no body may follow', async (t) => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/none' ? 204 : 200, ['X-Name', 'caf\u00e9'])
    sendHead(response)
    if (request.url !== '/waits') response.end()
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  for (const line of ['GET /waits', 'GET /ends', 'HEAD /ends', 'GET /none']) {
    const socket = connect(address.port, '127.0.0.1')
    socket.write(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const [head] = await once(socket.setEncoding('latin1'), 'data')
    assert.match(String(head), /\r\nX-Name: caf\u00e9\r\n/, line)
    socket.destroy()
  }
})
