/** Messages of MCP that could be read in two ways, calls that hide, servers that talk too much (MCP 2026-07-28, CWE-444). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { exportedLog } from '../fakes/exported-log.ts'
import { modernToolServer, type ToolServer } from '../fakes/mcp-server.ts'
import { meta, modern, openMcpStage } from '../fakes/mcp-stage.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { ask } from '../fakes/requests.ts'

test('what could be read in two ways, or is no call of a tool, reaches no server', async (t) => {
  const { site, url, token, say, server } = await openMcpStage(t, await modernToolServer(t))
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
  // An entry for each but what was unfit before its token was looked at: another origin, server or method.
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  assert.equal(refused.length, answers.length + names.length)
  assert.ok(refused.some(({ reason }) => reason === 'Mcp-Name is not the name.'))
  assert.ok(refused.some(({ reason }) => reason === 'the session is not one of this caller at this server'))
})

test('a call that comes as a notification is refused, and in the log', async (t) => {
  const { site, token, say, server } = await openMcpStage(t, await modernToolServer(t))
  const secret = await token('orders:read')
  const params = { name: 'delete_orders', arguments: {}, _meta: meta() }
  const nameless = JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params })
  const { status, body } = await say(secret, nameless, modern('tools/call', 'delete_orders'))
  assert.deepEqual([status, (body['error'] as { code: number } | undefined)?.code], [400, -32600])
  const other = '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}'
  assert.equal((await say(secret, other)).status, 202)
  assert.deepEqual(server.headers, [])
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  assert.deepEqual(
    refused.map(({ reason }) => reason),
    ['A request must have an id.'],
  )
})

test('what follows an unfit request on its connection is not read', async (t) => {
  const { url, token, server } = await openMcpStage(t, await modernToolServer(t))
  const secret = await token('orders:read')
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'search_orders', arguments: {} },
  })
  const head = [
    ...['POST /orders HTTP/1.1', 'Host: tools.example', `Authorization: Bearer ${secret}`],
    ...['Content-Type: application/json', `Content-Length: ${body.length}`, '', body],
  ].join('\r\n')
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(`GET /orders HTTP/1.1\r\nHost: tools.example\r\nHost: other.example\r\n\r\n${head}`)
  const text = await textOf(socket)
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1)
  assert.deepEqual(server.calls, [])
})

test('a caller that waits sends its message only once its token was found good', async (t) => {
  const { url, token, server } = await openMcpStage(t, await modernToolServer(t))
  const said = async (secret: string) => {
    const sent = request(`${url}/orders`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        ...{ accept: 'application/json, text/event-stream', expect: '100-continue' },
      },
    })
    sent.on('continue', () =>
      sent.end(
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_orders","arguments":{}}}',
      ),
    )
    sent.flushHeaders()
    const [answer] = await once(sent, 'response')
    answer.resume()
    sent.destroy()
    return answer.statusCode
  }
  assert.equal(await said(`${await token('orders:read')}x`), 401)
  assert.deepEqual(server.headers, [])
  assert.equal(await said(await token('orders:read')), 200)
  assert.equal(server.calls.length, 1)
})

/** A server that answers each message with these events, and what clients sent it. */
async function talkativeServer(t: TestContext, events: readonly string[]): Promise<ToolServer> {
  const url = await onLoopback(t, (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    // In pieces of one byte: events are where they end, not where packets do.
    for (const byte of Buffer.from(events.join(''))) response.write(Uint8Array.of(byte))
    response.end()
  })
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
  const { token, say } = await openMcpStage(t, server)
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

test('a server that asks back gets no answer, and the model hears that its call came to nothing', async (t) => {
  const inputRequests = { name: { method: 'sampling/createMessage', params: {} } }
  const result = { resultType: 'input_required', inputRequests, requestState: 'abc' }
  const server = await talkativeServer(t, [
    `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'mayfly-tools', result: { tools: [] } })}\n\n`,
    `data: ${JSON.stringify({ jsonrpc: '2.0', id: 1, result })}\n\n`,
  ])
  const { token, say, site } = await openMcpStage(t, server)
  const secret = await token('orders:read')
  const params = { name: 'search_orders', arguments: {}, _meta: meta() }
  const asked = await say(secret, { method: 'tools/call', params }, modern('tools/call', 'search_orders'))
  assert.match(asked.text, /"isError":true.*not carried here/)
  assert.doesNotMatch(asked.text, /input_required|sampling|requestState/)
  for (const more of [{ inputResponses: {} }, { requestState: 'abc' }, { task: { ttl: 60_000 } }]) {
    const message = { method: 'tools/call', params: { ...params, ...more } }
    const { status, text } = await say(secret, message, modern('tools/call', 'search_orders'))
    assert.equal(status, 200)
    assert.match(text, /-32602.*is not carried here/)
  }
  const { entries } = await exportedLog(site.config)
  const reasons = entries.filter(({ type }) => type === 'route.refused').map(({ reason }) => reason)
  assert.deepEqual(reasons.toSorted(), [
    'params.inputResponses is not carried here.',
    'params.requestState is not carried here.',
    'params.task is not carried here.',
  ])
})

test('a server that is away, or speaks something else, is told as that', async (t) => {
  const { say, token, server } = await openMcpStage(t, await talkativeServer(t, ['data: nonsense\n\n']))
  const secret = await token('orders:read')
  await assert.rejects(say(secret, { method: 'ping' }), /aborted|hang up|reset/)
  const away = await openMcpStage(t, { ...server, url: 'http://127.0.0.1:9/mcp' })
  const { status, body } = await away.say(await away.token('orders:read'), { method: 'ping' })
  assert.equal(status, 502)
  assert.match(JSON.stringify(body), /-32603.*er_/)
})
