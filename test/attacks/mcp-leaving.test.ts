/** Callers of MCP that leave before their call was made, or whose standing changes meanwhile: nothing is done for nobody. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { listingServer } from '../fakes/listing-server.ts'
import { mcpRouteAlone } from '../fakes/mcp-route-alone.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { ask } from '../fakes/requests.ts'

const headers = {
  ...{ authorization: 'Bearer good', 'content-type': 'application/json' },
  'mcp-protocol-version': '2025-11-25',
}
const message = (method: string, more: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...more })
const call = message('tools/call', { params: { name: 'create_order' } })

/** A caller that can leave: resolves once the route has noticed. */
function caller(url: string) {
  const sent = request(url, { method: 'POST', headers })
  sent.on('error', () => {})
  sent.end(call)
  return {
    leave: () =>
      new Promise<void>((resolve) => {
        sent.once('close', resolve)
        sent.destroy()
      }),
  }
}

/** A promise and what resolves it. */
const signal = () => Promise.withResolvers<void>()

test('a caller that leaves while its call is decided spends no budget, and its call reaches no server', async (t) => {
  const { server, seen } = await listingServer(t, [{ name: 'create_order' }])
  const { url, gate } = await mcpRouteAlone(t, { url: server.url })
  const taken: object[] = []
  gate.meter = () => ({ flows: false, take: async (take) => void taken.push(take) })
  const [reached, open] = [signal(), signal()]
  gate.before = async () => {
    if (gate.asks.at(-1)?.action !== 'CALL /orders/create_order') return
    reached.resolve()
    await open.promise
  }
  const { leave } = caller(url)
  await reached.promise
  await leave()
  // Whoever comes later finds that the route has noticed.
  assert.equal((await ask(url, { headers, body: message('ping') })).status, 200)
  open.resolve()
  assert.equal((await ask(url, { headers, body: message('ping') })).status, 200)
  assert.deepEqual(taken, [])
  assert.deepEqual(
    seen.map(({ method }) => method),
    ['ping', 'ping'],
  )
})

/** A server that answers no question for its tools before it is told to. */
async function slowServer(t: TestContext) {
  const [asked, cut] = [signal(), signal()]
  const state = { lists: 0, calls: 0, answer: true }
  const url = await onLoopback(t, async (incoming, response) => {
    const { id, method } = JSON.parse(await textOf(incoming)) as { id: unknown; method: string }
    if (method === 'tools/list') {
      state.lists += 1
      if (!state.answer) {
        response.once('close', () => cut.resolve())
        asked.resolve()
        return
      }
    } else state.calls += 1
    const result = method === 'tools/list' ? { tools: [{ name: 'create_order' }] } : { content: [] }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
  return { url, state, asked: asked.promise, cut: cut.promise }
}

test("a server is not asked for its tools any longer than the caller waits, and that is nobody else's loss", async (t) => {
  const { url: server, state, asked, cut } = await slowServer(t)
  const { url, logged } = await mcpRouteAlone(t, { url: server })
  state.answer = false
  const { leave } = caller(url)
  await asked
  // The same question, for which it waits with the first one.
  const other = ask(url, { headers, body: call })
  state.answer = true
  await leave()
  await cut
  assert.equal((await other).status, 200)
  assert.deepEqual([state.lists, state.calls], [2, 1])
  assert.deepEqual(logged, [], 'a caller that leaves is no fault of the server')
})

test('a lease that ends while the tools are asked for ends the call, and no budget is taken', async (t) => {
  const { server, seen, answers } = await listingServer(t, [{ name: 'create_order' }])
  const { url, gate } = await mcpRouteAlone(t, { url: server.url })
  const taken: object[] = []
  gate.meter = () => ({ flows: false, take: async (take) => void taken.push(take) })
  answers.list = (result) => {
    gate.revoked = true
    return { result }
  }
  const { status, headers: got } = await ask(url, { headers, body: call })
  assert.equal(status, 401)
  assert.match(String(got['www-authenticate']), /invalid_token/)
  assert.deepEqual([seen, taken, answers.lists], [[], [], 2])
})

test('a caller whose session lives is not told that it is over, because another one is', async (t) => {
  const sessions: string[] = []
  const [asked, open] = [signal(), signal()]
  let calls = 0
  const server = await onLoopback(t, async (incoming, response) => {
    const { id, method } = JSON.parse(await textOf(incoming)) as { id: unknown; method: string }
    const session = String(incoming.headers['mcp-session-id'])
    if (method === 'initialize') sessions.push(`s${sessions.length}`)
    if (method === 'tools/list' && session === 's0') {
      asked.resolve()
      await open.promise
      response.writeHead(404).end()
      return
    }
    if (method === 'tools/call') calls += 1
    const result = method === 'tools/list' ? { tools: [{ name: 'create_order' }] } : { content: [] }
    const own = method === 'initialize' ? { 'mcp-session-id': sessions.at(-1) ?? '' } : {}
    response.writeHead(200, { 'content-type': 'application/json', ...own })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
  const { url } = await mcpRouteAlone(t, { url: server })
  const begin = async () =>
    String((await ask(url, { headers, body: message('initialize') })).headers['mcp-session-id'])
  const [ended, lives] = [await begin(), await begin()]
  const first = ask(url, { headers: { ...headers, 'mcp-session-id': ended }, body: call })
  await asked.promise
  const second = ask(url, { headers: { ...headers, 'mcp-session-id': lives }, body: call })
  // Both wait for the same list before it fails: the second one was let in by then.
  assert.equal((await ask(url, { headers, body: message('ping') })).status, 200)
  open.resolve()
  assert.equal((await first).status, 404)
  assert.equal((await second).status, 200)
  assert.equal(calls, 1)
})

test('a tool that the policy allows only since its call came is not called unseen', async (t) => {
  const { server, seen, answers } = await listingServer(t, [{ name: 'create_order' }])
  const { url, gate } = await mcpRouteAlone(t, { url: server.url, tools: {} })
  gate.permits = () => false
  const { text } = await ask(url, { headers, body: call })
  assert.match(text, /Unknown tool: create_order/)
  assert.deepEqual([seen.length, answers.lists], [0, 0])
})
