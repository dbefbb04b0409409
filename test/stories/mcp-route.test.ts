/** Agents use tools behind the proxy with the SDKs that they have: those that the policy gives, and no others. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { legacyToolServer, modernToolServer } from '../fakes/mcp-server.ts'
import { meta, modern, openMcpStage } from '../fakes/mcp-stage.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { ask, revoke } from '../fakes/requests.ts'

const withToken = (token: string) => ({ requestInit: { headers: { Authorization: `Bearer ${token}` } } })

test('a client of the first SDK at a server with sessions sees and calls what its token allows', async (t) => {
  const { url, token, server } = await openMcpStage(t, await legacyToolServer(t))
  const client = new LegacyClient({ name: 'agent', version: '1.0.0' })
  const transport = new LegacyTransport(
    new URL(`${url}/orders`),
    withToken(await token('orders:read orders:sample')),
  )
  await client.connect(transport as Parameters<typeof client.connect>[0])
  assert.deepEqual(Object.keys(client.getServerCapabilities() ?? {}), ['tools'])
  const { tools } = await client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['search_orders', 'create_order'],
  )
  const found = await client.callTool({ name: 'search_orders', arguments: {} })
  assert.deepEqual(found.content, [{ type: 'text', text: 'search_orders done' }])
  const refused = await client.callTool({ name: 'create_order', arguments: { kind: 'express' } })
  assert.equal(refused.isError, true)
  assert.match(JSON.stringify(refused.content), /au_[0-9a-z]{26}/)
  await client.callTool({ name: 'create_order', arguments: { kind: 'sample' } })
  await assert.rejects(
    client.callTool({ name: 'delete_orders', arguments: {} }),
    /Unknown tool: delete_orders/,
  )
  await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), /Unknown tool: no_such_tool/)
  assert.deepEqual(server.calls, ['search_orders {}', 'create_order {"kind":"sample"}'])
  await client.close()
})

test('a client of the second SDK speaks the newest version, and finds the same', async (t) => {
  const { site, url, token, server } = await openMcpStage(t, await modernToolServer(t))
  const client = new ModernClient(
    { name: 'agent', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  const secret = await token('orders:read')
  await client.connect(new ModernTransport(new URL(`${url}/orders`), withToken(secret)))
  const { tools } = await client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['search_orders'],
  )
  await client.callTool({ name: 'search_orders', arguments: {} })
  await assert.rejects(
    client.callTool({ name: 'create_order', arguments: { kind: 'sample' } }),
    /Unknown tool/,
  )
  assert.deepEqual(server.calls, ['search_orders {}'])
  const reached = server.headers.join('\n')
  assert.ok(!reached.includes(secret) && reached.includes('Bearer token-of-the-server'))
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  assert.match(refused[0]?.reason ?? '', /no scope of the token lists CALL \/orders\/create_order/)
  await client.close()
})

test('what a tool wants mirrored into headers is mirrored, compared and carried', async (t) => {
  const { url, token, server } = await openMcpStage(t, await modernToolServer(t, { isMirrored: true }))
  const client = new ModernClient(
    { name: 'agent', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  await client.connect(new ModernTransport(new URL(`${url}/orders`), withToken(await token('orders:sample'))))
  await client.listTools()
  await client.callTool({ name: 'create_order', arguments: { kind: 'sample' } })
  assert.deepEqual(server.calls, ['create_order {"kind":"sample"}'])
  assert.match(server.headers.at(-1) ?? '', /"mcp-param-kind":\["sample"\]/)
  await client.close()
})

test('the end of a lease ends its calls, at once', async (t) => {
  const { broker, token, say } = await openMcpStage(t, await modernToolServer(t))
  const secret = await token('orders:read')
  const list = { method: 'tools/list', params: { _meta: meta() } }
  assert.equal((await say(secret, list, modern('tools/list'))).status, 200)
  assert.equal((await revoke(broker.url, secret)).status, 200)
  const after = await say(secret, list, modern('tools/list'))
  assert.equal(after.status, 401)
  assert.match(
    String(after.headers['www-authenticate']),
    /resource_metadata="https:\/\/tools\.acme\.example\/\.well-known\/oauth-protected-resource"/,
  )
})

test('whoever has no token learns where they come from', async (t) => {
  const { url, broker, token, say } = await openMcpStage(t, await modernToolServer(t))
  const { body } = await ask(`${url}/.well-known/oauth-protected-resource/orders`)
  assert.deepEqual(
    [body['resource'], body['authorization_servers']],
    ['https://tools.acme.example/', [broker.url]],
  )
  assert.equal((await ask(`${url}/orders`, { body: '{}' })).status, 401)
  assert.equal((await say(await token('', 'orders-api'), { method: 'ping' })).status, 401)
})
test('of several servers behind one address each has its own tools, and its own token alone', async (t) => {
  const [server, stock] = [await modernToolServer(t), await modernToolServer(t)]
  const { url, token } = await openMcpStage(t, server, { stock })
  const secret = await token('stock:read')
  const named = async (name: string) => {
    const client = new LegacyClient({ name: 'agent', version: '1.0.0' })
    const transport = new LegacyTransport(new URL(`${url}/${name}`), withToken(secret))
    await client.connect(transport as Parameters<typeof client.connect>[0])
    return client
  }
  const [orders, other] = [await named('orders'), await named('stock')]
  assert.deepEqual((await orders.listTools()).tools, [])
  assert.deepEqual(
    (await other.listTools()).tools.map(({ name }) => name),
    ['search_orders'],
  )
  await assert.rejects(orders.callTool({ name: 'search_orders', arguments: {} }), /Unknown tool/)
  await other.callTool({ name: 'search_orders', arguments: {} })
  assert.deepEqual([server.calls, stock.calls], [[], ['search_orders {}']])
  assert.ok(!stock.headers.join().includes('token-of-the-server'))
})

test('a server with a target of its own is a resource of its own: tokens of one are none at the other', async (t) => {
  const stock = await modernToolServer(t)
  const stage = await openMcpStage(t, await modernToolServer(t), { stock, stockTarget: 'stock-tools' })
  const { url, token, site } = stage
  const [common, own] = [await token('stock:read'), await token('', 'stock-tools')]
  const said = (bearer: string, path: string) =>
    ask(`${url}/${path}`, {
      headers: {
        ...{ authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...modern('tools/call', 'search_orders'),
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
        params: { name: 'search_orders', arguments: {}, _meta: meta() },
      }),
    })
  const elsewhere = await said(common, 'stock')
  assert.deepEqual([elsewhere.status, (await said(own, 'orders')).status], [401, 401])
  assert.equal((await said(own, 'stock')).status, 200)
  assert.deepEqual(stock.calls, ['search_orders {}'])
  const { entries } = await exportedLog(site.config)
  assert.deepEqual(
    entries.filter(({ type }) => type === 'route.refused').map(({ target }) => target),
    ['stock-tools', 'agent-tools'],
  )
  // RFC 9728 3.1 and 3.3: the place is made of the resource, and what is there names that resource.
  const place = /resource_metadata="([^"]+)"/.exec(String(elsewhere.headers['www-authenticate']))?.[1] ?? ''
  assert.equal(place, 'https://tools.acme.example/.well-known/oauth-protected-resource/stock')
  const resourceAt = async (path: string) =>
    (await ask(`${url}/.well-known/oauth-protected-resource${path}`)).body['resource']
  assert.equal(await resourceAt(new URL(place).pathname.slice(37)), 'https://tools.acme.example/stock')
  assert.equal(await resourceAt('/orders'), 'https://tools.acme.example/')
  assert.equal(await resourceAt(''), 'https://tools.acme.example/')
  assert.equal(await resourceAt('/constructor'), undefined)
})

/** A server that sends notifications for as long as it is listened to, and tells when nobody does any more. */
async function endlessServer(t: TestContext) {
  const left = Promise.withResolvers<void>()
  const url = await onLoopback(t, async (request, response) => {
    const { id, method } = JSON.parse(await textOf(request)) as Record<string, unknown>
    if (method === 'tools/list') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [] } }))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const event = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n'
    const sending = setInterval(() => response.write(event), 50)
    response.once('close', () => {
      clearInterval(sending)
      left.resolve()
    })
  })
  return { server: { url, calls: [], headers: [] }, left: left.promise }
}

for (const end of ['revoked', 'switched off'] as const) {
  test(`what is ${end} at one replica ends at the other: an open stream, and the next call on its connection`, async (t) => {
    const { server, left } = await endlessServer(t)
    const { site, broker, token, url } = await openMcpStage(t, server, { at: 'replica' })
    const secret = await token('orders:read')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const call = { method: 'tools/call', params: { name: 'search_orders', arguments: {}, _meta: meta() } }
    const said = {
      headers: {
        ...{ authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        ...modern('tools/call', 'search_orders'),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...call }),
    }
    const stream = assert.rejects(ask(`${url}/orders`, said), /aborted|hang up|reset/)
    const listed = { ...said, headers: { ...said.headers, ...modern('tools/list') }, agent }
    const first = await ask(`${url}/orders`, { ...listed, body: '[]' })
    assert.equal(first.status, 400)
    if (end === 'revoked') assert.equal((await revoke(broker.url, secret)).status, 200)
    else {
      const office = await openOfficeFromFile({ path: site.config, env: {}, writeLog: () => undefined })
      await office.switchOff({ of: 'target', name: 'agent-tools' })
      await office.close()
    }
    assert.equal((await ask(`${url}/orders`, { ...listed, body: '[]' })).status, 401)
    await stream
    // The server hears of it too.
    await left
  })
}
