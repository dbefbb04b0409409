/** Servers of MCP that answer as none should: no caller, and no broker, pays for it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { atEnd } from '../fakes/at-end.ts'
import { mcpRouteAlone } from '../fakes/mcp-route-alone.ts'
import { ask } from '../fakes/requests.ts'

const headers = { authorization: 'Bearer good', 'content-type': 'application/json' }
const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

/** A server that answers each connection with this text; its URL. */
async function answering(t: TestContext, text: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(text))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}/`
}

for (const via of [undefined, 'office'])
  test(`a server whose status there is not is one that gave no answer (${via ?? 'dialled'})`, async (t) => {
    for (const status of ['999', '600', '199', '099', '000']) {
      const head = `HTTP/1.1 ${status} Odd\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`
      const { url } = await mcpRouteAlone(t, { url: await answering(t, head), via })
      const { status: told, text } = await ask(url, { headers, body: ping })
      assert.equal(told, 502, status)
      assert.match(text, /-32603/)
    }
  })
