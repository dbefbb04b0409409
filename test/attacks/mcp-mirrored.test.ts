/** Headers that say something else than the arguments that were checked (MCP 2026-07-28, "Custom Headers", CWE-444). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportedLog } from '../fakes/exported-log.ts'
import { listingServer } from '../fakes/listing-server.ts'
import { meta, modern, openMcpStage } from '../fakes/mcp-stage.ts'

const kind = { type: 'string', 'x-mcp-header': 'Kind' }
const count = { type: 'integer', 'x-mcp-header': 'Count' }
const createOrder = (properties: object) => ({
  name: 'create_order',
  inputSchema: { type: 'object', properties },
})

const ownTools = [createOrder({ kind, more: { type: 'object', properties: { count } } })]

const call = (given: object, name = 'create_order') => ({
  method: 'tools/call',
  params: { name, arguments: given, _meta: meta() },
})
const headers = (more: Readonly<Record<string, string>>, name = 'create_order') => ({
  ...modern('tools/call', name),
  ...more,
})

test('a call whose mirrored headers are not its arguments reaches no server', async (t) => {
  const { server, seen } = await listingServer(t, ownTools)
  const { site, token, say } = await openMcpStage(t, server)
  const secret = await token('orders:sample')
  const sample = { kind: 'sample' }
  const wrong: readonly [given: object, said: Record<string, string>][] = [
    [sample, {}],
    [sample, { 'mcp-param-kind': 'express' }],
    [sample, { 'mcp-param-kind': 'Sample' }],
    [sample, { 'mcp-param-kind': '=?base64?ZXhwcmVzcw==?=' }],
    [sample, { 'mcp-param-kind': '=?base64?c2FtcGxl====?=' }],
    [sample, { 'mcp-param-kind': 'sample, express' }],
    [sample, { 'mcp-param-kind': 'sample', 'mcp-param-count': '7' }],
    [{ ...sample, more: { count: 7 } }, { 'mcp-param-kind': 'sample' }],
    [
      { ...sample, more: { count: 7 } },
      { 'mcp-param-kind': 'sample', 'mcp-param-count': '8' },
    ],
    [
      { ...sample, more: { count: null } },
      { 'mcp-param-kind': 'sample', 'mcp-param-count': '7' },
    ],
  ]
  for (const [given, said] of wrong) {
    const { status, body } = await say(secret, call(given), headers(said))
    const { code, message } = body['error'] as { code: number; message: string }
    assert.deepEqual([status, code], [400, -32020], JSON.stringify(said))
    assert.match(message, /^Mcp-Param-(kind|count) /)
  }
  assert.deepEqual(seen, [])
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  assert.equal(refused.length, wrong.length)
  assert.equal(refused[0]?.reason, 'Mcp-Param-kind is missing: the argument kind is given.')
})

test('headers that agree go on, those that no tool asked for too', async (t) => {
  const { server, seen, answers } = await listingServer(t, ownTools)
  const { token, say } = await openMcpStage(t, server)
  const secret = await token('orders:sample')
  const given = { kind: 'sample', more: { count: 7 } }
  const said = { 'mcp-param-kind': '=?base64?c2FtcGxl?=', 'mcp-param-count': '7.0' }
  assert.equal((await say(secret, call(given), headers(said))).status, 200)
  assert.equal(
    (await say(secret, call({ kind: 'sample' }), headers({ 'MCP-PARAM-KIND': 'sample' }))).status,
    200,
  )
  assert.equal(answers.lists, 2, 'its two pages, once')
  const others = { ...said, 'mcp-param-zone': 'a' }
  assert.equal((await say(secret, call(given), headers(others))).status, 200)
  assert.equal(seen[0]?.headers['mcp-param-kind'], '=?base64?c2FtcGxl?=')
  assert.equal(seen[2]?.headers['mcp-param-zone'], 'a')
})

test('a tool that has changed is believed as it is now, in both directions', async (t) => {
  const { server, seen, own } = await listingServer(t, ownTools)
  const { token, say } = await openMcpStage(t, server)
  const secret = await token('orders:sample')
  const sample = call({ kind: 'sample' })
  assert.equal((await say(secret, sample, headers({ 'mcp-param-kind': 'sample' }))).status, 200)
  own.tools = [createOrder({ kind: { ...kind, 'x-mcp-header': 'Sort' } })]
  assert.equal((await say(secret, sample, headers({ 'mcp-param-sort': 'sample' }))).status, 200)
  assert.equal((await say(secret, sample, headers({ 'mcp-param-sort': 'express' }))).status, 400)
  own.tools = [createOrder({ kind: { type: 'string' } })]
  assert.equal((await say(secret, sample, headers({}))).status, 200)
  own.tools = [createOrder({ kind: { type: 'array', items: kind } })]
  const faulty = await say(secret, sample, headers({ 'mcp-param-kind': 'sample' }))
  assert.equal(faulty.status, 400)
  assert.match(faulty.text, /The tool's own schema is at fault/)
  assert.equal(seen.length, 3)
})

test('where the server does not tell its tools, its tools are not called', async (t) => {
  const { server, seen, answers } = await listingServer(t, ownTools)
  const { token, say } = await openMcpStage(t, server)
  const secret = await token('orders:sample')
  const said = [call({ kind: 'sample' }), headers({ 'mcp-param-kind': 'sample' })] as const
  const tell = answers.list
  answers.list = () => ({ error: { code: -32603, message: 'no' } })
  assert.equal((await say(secret, ...said)).status, 502)
  answers.list = () => ({ result: { tools: [], nextCursor: 'again' } })
  assert.equal((await say(secret, ...said)).status, 502)
  const many = Array.from({ length: 2_001 }, (_, at) => ({ name: `t${at}` }))
  const long = Array.from({ length: 50 }, (_, at) => ({ name: `t${at}`, description: 'x'.repeat(100_000) }))
  for (const tools of [many, long]) {
    answers.list = () => ({ result: { tools } })
    assert.equal((await say(secret, ...said)).status, 502)
  }
  assert.deepEqual(seen, [])
  answers.list = tell
  assert.equal((await say(secret, ...said)).status, 200)
})

test('of a tool that the caller may not use its headers tell nothing, and no server is asked', async (t) => {
  const { server, own, answers } = await listingServer(t, ownTools)
  own.tools = [{ name: 'delete_orders', inputSchema: { type: 'object', properties: { kind } } }]
  const { token, say } = await openMcpStage(t, server)
  const secret = await token('orders:sample')
  const wrong = headers({ 'mcp-param-kind': 'x' }, 'delete_orders')
  const { status, text } = await say(secret, call({ kind: 'y' }, 'delete_orders'), wrong)
  assert.deepEqual([status, answers.lists], [200, 0])
  assert.match(text, /Unknown tool: delete_orders/)
})

test('headers of the newest version say nothing in a message of an older one, and do not go on', async (t) => {
  const { server, seen } = await listingServer(t, ownTools)
  const { token, say } = await openMcpStage(t, server)
  const older = { method: 'tools/call', params: { name: 'create_order', arguments: { kind: 'sample' } } }
  const said = { 'mcp-method': 'tools/list', 'mcp-name': 'delete_orders', 'mcp-param-kind': 'express' }
  const { status } = await say(await token('orders:sample'), older, {
    ...said,
    'mcp-protocol-version': '2025-11-25',
  })
  assert.equal(status, 200)
  const names = Object.keys(seen[0]?.headers ?? {}).filter((name) => name.startsWith('mcp-'))
  assert.deepEqual(names, ['mcp-protocol-version'])
})

test('a header that some servers read as one that was compared does not go on beside it', async (t) => {
  const orderId = { type: 'string', 'x-mcp-header': 'Order-Id' }
  const { server, seen } = await listingServer(t, [createOrder({ kind, order: orderId })])
  const { token, say } = await openMcpStage(t, server)
  const secret = await token('orders:sample')
  const said = { 'mcp-param-kind': 'sample', 'mcp-param-order-id': '7' }
  const given = call({ kind: 'sample', order: '7' })
  for (const twin of ['mcp-param-order_id', 'Mcp-Param_Order-Id', 'Mcp_Param_Order_Id']) {
    const { status, body } = await say(secret, given, headers({ ...said, [twin]: '8' }))
    assert.equal(status, 400, twin)
    assert.equal((body['error'] as { code: number }).code, -32020)
  }
  assert.equal((await say(secret, given, headers({ ...said, 'mcp-param-order': '8' }))).status, 200)
  assert.equal(seen.length, 1)
})

const hidden = createOrder({ kind })
const unreadable: readonly [why: string, text: string][] = [
  ['half a character', JSON.stringify({ ...hidden, description: '\ud800' })],
  [
    'depth',
    JSON.stringify({ ...hidden, outputSchema: 0 }).replace(
      '0}',
      `${'[7,'.repeat(20_000)}7${']'.repeat(20_000)}}`,
    ),
  ],
]

for (const [why, tool] of unreadable)
  test(`a tool whose definition cannot be read is not called unread (${why})`, async (t) => {
    const { server, seen, answers } = await listingServer(t, [])
    answers.text = `{"jsonrpc":"2.0","id":"mayfly-tools","result":{"tools":[${tool}]}}`
    const { token, say } = await openMcpStage(t, server)
    const wrong = headers({ 'mcp-param-kind': 'express' })
    const { text } = await say(await token('orders:sample'), call({ kind: 'sample' }), wrong)
    assert.match(text, /definition is at fault: it cannot be read in one way/)
    assert.deepEqual(seen, [])
  })
