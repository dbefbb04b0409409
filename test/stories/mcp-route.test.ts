/** Agents use tools behind the proxy with the SDKs that they have: those that the policy gives, and no others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { legacyToolServer, modernToolServer, type ToolServer } from '../fakes/mcp-server.ts'
import { accessToken, ask, exchange, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  agent-tools:
    tier: staging
    token:
      audience: https://tools.acme.example/
      scopes:
        orders:read: { access: read, safe: true, requests: [CALL /orders/search_orders] }
        orders:sample: { access: write, requests: [{ request: CALL /orders/create_order, body: { /kind: [sample] } }] }
        orders:all: { access: admin, requests: ["CALL /orders/**"] }
grants:
  - name: agent
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [{ target: agent-tools, scopes: [orders:read, orders:sample] }, orders-api, orders-api-staging]
    for: 10m
guardrails:
  - { name: agents delete no orders, never: { repo: acme/shop }, get: { target: agent-tools, request: CALL /orders/delete_orders } }
`

/** `at`: the broker whose route is asked; tokens come from the first. */
async function start(t: TestContext, server: ToolServer, at: 'config' | 'replica' = 'config') {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const route = `{ kind: mcp, name: tools, listen: "127.0.0.1:0", target: agent-tools, servers: { orders: { url: "${server.url}", authorization: { file: ./server-token } } } }`
  for (const path of [site.config, site.replica]) appendFileSync(path, `routes: [${route}]\n`)
  writeFileSync(join(site.folder, 'server-token'), 'token-of-the-server')
  const broker = await runBroker(t, site.config)
  const asked = at === 'config' ? broker : await runBroker(t, site.replica)
  const url = asked.routes.find(({ name }) => name === 'tools')?.url ?? ''
  const token = async (scope: string, audience = 'agent-tools') =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), {
        audience,
        scope,
      }),
    )
  const say = (bearer: string, message: object | string, headers: Readonly<Record<string, string>> = {}) =>
    ask(`${url}/orders`, {
      headers: {
        ...{ authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...{ accept: 'application/json, text/event-stream', ...headers },
      },
      body: typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    })
  return { site, broker, url, token, say, server }
}

const withToken = (token: string) => ({ requestInit: { headers: { Authorization: `Bearer ${token}` } } })

const meta = (version = '2026-07-28') => ({
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
})
const modern = (method: string, name?: string) => ({
  ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
  ...(name === undefined ? {} : { 'mcp-name': name }),
})

test('a client of the first SDK at a server with sessions sees and calls what its token allows', async (t) => {
  const { url, token, server } = await start(t, await legacyToolServer(t))
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
  const { site, url, token, server } = await start(t, await modernToolServer(t))
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

test('the end of a lease ends its calls, at once', async (t) => {
  const { broker, token, say } = await start(t, await modernToolServer(t))
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
  const { url, broker, token, say } = await start(t, await modernToolServer(t))
  const { body } = await ask(`${url}/.well-known/oauth-protected-resource/orders`)
  assert.deepEqual(
    [body['resource'], body['authorization_servers']],
    ['https://tools.acme.example/', [broker.url]],
  )
  assert.equal((await ask(`${url}/orders`, { body: '{}' })).status, 401)
  assert.equal((await say(await token('', 'orders-api'), { method: 'ping' })).status, 401)
})

test('what could be read in two ways, or is no call of a tool, reaches no server', async (t) => {
  const { url, token, say, server } = await start(t, await modernToolServer(t))
  const secret = await token('orders:read orders:sample')
  const call = (name: string, given: object = {}) => ({
    method: 'tools/call',
    params: { name, arguments: given, _meta: meta() },
  })
  const base64 = `=?base64?${Buffer.from('search_orders').toString('base64')}?=`
  const twice = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_orders","name":"delete_orders"}}`
  const answers = [
    await say(secret, call('delete_orders'), modern('tools/call', 'search_orders')),
    await say(secret, call('delete_orders'), modern('tools/call', base64)),
    await say(secret, call('search_orders'), modern('tools/list', 'search_orders')),
    await say(secret, call('search_orders'), {
      ...modern('tools/call', 'search_orders'),
      'mcp-protocol-version': '2025-11-25',
    }),
    await say(secret, twice),
    await say(secret, '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_orders"}}]'),
    await say(secret, '{"jsonrpc":"2.0","id":1,"result":{}}'),
    await say(
      secret,
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`,
    ),
    await say(
      secret,
      {
        method: 'tools/list',
        params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
      },
      modern('tools/list'),
    ),
    await say(
      secret,
      { method: 'tools/list', params: { _meta: meta('2027-01-01') } },
      { ...modern('tools/list'), 'mcp-protocol-version': '2027-01-01' },
    ),
    await say(secret, { method: 'ping' }, { 'mcp-protocol-version': '2024-11-05' }),
    await say(secret, { method: 'ping' }, { origin: 'https://evil.example' }),
    await say(secret, { method: 'ping' }, { 'mcp-session-id': 'somebody-elses' }),
    await say(
      secret,
      { method: 'resources/read', params: { uri: 'orders://secrets', _meta: meta() } },
      modern('resources/read', 'orders://secrets'),
    ),
    await ask(`${url}/other`, { headers: { authorization: `Bearer ${secret}` }, body: '{}' }),
    await ask(`${url}/orders`, { headers: { authorization: `Bearer ${secret}` } }),
    await say(secret, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"${'x'.repeat(1_100_000)}"}}`),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 403, 404, 404, 404, 405, 413],
  )
  const codes = answers.slice(0, 10).map(({ body }) => (body['error'] as { code?: number } | undefined)?.code)
  assert.deepEqual(codes, [-32020, -32020, -32020, -32020, -32700, -32700, -32600, -32700, -32602, -32022])
  const names = ['Delete_orders', 'delete_orders ', 'search_orders/../delete_orders', '..', 'séarch', '']
  for (const name of names) {
    const { status, text } = await say(secret, { method: 'tools/call', params: { name, arguments: {} } })
    assert.equal(status, 200)
    assert.match(text, /-32602/, name)
  }
  assert.deepEqual([server.calls, server.headers], [[], []])
  const lines = await say(
    secret,
    call('create_order', { kind: 'sample', note: 'two\nlines' }),
    modern('tools/call', 'create_order'),
  )
  assert.equal(lines.status, 200)
  assert.equal(server.calls.length, 1)
})

/** A server that answers each message with these events, and what clients sent it. */
async function talkativeServer(t: TestContext, events: readonly string[]): Promise<ToolServer> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    // In pieces of one byte: events are where they end, not where packets do.
    for (const byte of Buffer.from(events.join(''))) response.write(Uint8Array.of(byte))
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  return { url, calls: [], headers: [] }
}

test('a list in a stream is cut to what the caller may see, and requests of the server do not pass', async (t) => {
  const result = {
    tools: [{ name: 'search_orders' }, { name: 'delete_orders' }, { name: 7 }],
    cacheScope: 'public',
    ttlMs: 9e9,
  }
  const lines = JSON.stringify({ jsonrpc: '2.0', id: 1, result }, null, 1).split('\n')
  const server = await talkativeServer(t, [
    ': hello\r\n\r\n',
    'data: {"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{}}\r\n\r\n',
    'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"é"}}\n\n',
    'data: {"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"delete_orders"}]}}\n\n',
    `event: message\n${lines.map((line) => `data: ${line}\n`).join('')}\n`,
    'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"too late"}}\n\n',
  ])
  const { token, say } = await start(t, server)
  const list = { method: 'tools/list', params: { _meta: meta() } }
  const { text, status } = await say(await token('orders:read'), list, modern('tools/list'))
  assert.equal(status, 200)
  const told = text
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as unknown] : []))
  assert.deepEqual(told, [
    { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'é' } },
    {
      jsonrpc: '2.0',
      id: 1,
      result: { tools: [{ name: 'search_orders' }], cacheScope: 'private', ttlMs: 60_000 },
    },
  ])
})

test('a server that is away, or speaks something else, is told as that', async (t) => {
  const { say, token, server } = await start(t, await talkativeServer(t, ['data: nonsense\n\n']))
  const secret = await token('orders:read')
  await assert.rejects(say(secret, { method: 'ping' }), /aborted|hang up|reset/)
  const away = await start(t, { ...server, url: 'http://127.0.0.1:9/mcp' })
  const { status, body } = await away.say(await away.token('orders:read'), { method: 'ping' })
  assert.equal(status, 502)
  assert.match(JSON.stringify(body), /-32603.*er_/)
})

/** A server that sends notifications for as long as it is listened to, and tells when nobody does any more. */
async function endlessServer(t: TestContext) {
  const left = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const event = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n'
    const sending = setInterval(() => response.write(event), 50)
    response.once('close', () => {
      clearInterval(sending)
      left.resolve()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  return { server: { url, calls: [], headers: [] }, left: left.promise }
}

for (const end of ['revoked', 'switched off'] as const) {
  test(`what is ${end} at one replica ends at the other: an open stream, and the next call on its connection`, async (t) => {
    const { server, left } = await endlessServer(t)
    const { site, broker, token, url } = await start(t, server, 'replica')
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
