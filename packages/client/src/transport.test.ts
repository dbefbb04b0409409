import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { exchange } from './exchange.ts'
import { revoke } from './revoke.ts'

test("the platform's fetch is a transport, and follows no redirect", async (t) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
    if (request.url === '/revoke') return response.writeHead(307, { location: '/elsewhere' }).end()
    return response.end(JSON.stringify({ access_token: 'at', expires_in: 60, lease_id: 'l' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`

  const credential = await exchange({ url, subjectToken: async () => 'st', target: 'docs' })
  assert.equal(credential.accessToken, 'at')
  await assert.rejects(revoke({ url, token: 'at' }), { error: 'unexpected_answer', status: 307 })
  assert.deepEqual(asked, [
    'POST /token application/x-www-form-urlencoded',
    'POST /revoke application/x-www-form-urlencoded',
  ])
})
