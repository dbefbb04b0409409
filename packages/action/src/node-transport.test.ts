import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { nodeTransport } from './node-transport.ts'

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

const get = { method: 'GET', headers: {}, redirect: 'manual' } as const

test('an answer comes with its status, headers and text', async (t) => {
  const url = await listen(t, (_, response) => response.writeHead(429, { 'Retry-After': '3' }).end('später'))
  const answer = await nodeTransport(url, get)
  assert.equal(answer.status, 429)
  assert.equal(answer.headers.get('retry-after'), '3')
  assert.equal(answer.headers.get('Location'), null)
  assert.equal(await answer.text(), 'später')
})

test('a signal ends a request that nobody answers, and one whose answer does not end', {
  timeout: 5000,
}, async (t) => {
  for (const answer of [
    () => {},
    (_: unknown, response: { write(text: string): void }) => response.write('{'),
  ]) {
    const controller = new AbortController()
    const url = await listen(t, (request, response) => {
      answer(request, response)
      setImmediate(() => controller.abort())
    })
    await assert.rejects(nodeTransport(url, { ...get, signal: controller.signal }), { name: 'AbortError' })
  }
})

test('an answer that breaks off is an error', async (t) => {
  const url = await listen(t, (_, response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.write('12345', () => response.destroy())
  })
  await assert.rejects(nodeTransport(url, get), { code: 'ECONNRESET' })
})

test('an endless answer is not read to its end', async (t) => {
  const url = await listen(t, (_, response) => response.end('x'.repeat(2 * 1024 * 1024)))
  await assert.rejects(nodeTransport(url, get), /too long/)
})

test('a proxy that the runner names carries the request, but not to where it is not used', async (t) => {
  const asked: string[] = []
  const proxy = await listen(t, (request, response) => {
    asked.push(request.url ?? '')
    response.end('by the proxy')
  })
  process.env['HTTP_PROXY'] = proxy
  process.env['NO_PROXY'] = '127.0.0.1'
  t.after(() => {
    delete process.env['HTTP_PROXY']
    delete process.env['NO_PROXY']
  })
  const answer = await nodeTransport('http://mayfly.acme.example/token', get)
  assert.equal(await answer.text(), 'by the proxy')
  assert.deepEqual(asked, ['http://mayfly.acme.example/token'])
  const direct = await listen(t, (_, response) => response.end('direct'))
  assert.equal(await (await nodeTransport(direct, get)).text(), 'direct')
})
