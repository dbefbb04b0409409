/** Arguments that a tool's own schema does not take reach no server, and cost no budget (standards: MCP 2026-07-28, "Tools"). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportedLog } from '../fakes/exported-log.ts'
import { listingServer } from '../fakes/listing-server.ts'
import { meta, modern, openMcpStage } from '../fakes/mcp-stage.ts'

const createOrder = {
  name: 'create_order',
  inputSchema: {
    type: 'object',
    properties: { kind: { type: 'string' }, count: { type: 'integer', minimum: 1 } },
    required: ['kind'],
    additionalProperties: false,
  },
}

const eras = {
  modern: { more: { _meta: meta() }, headers: modern('tools/call', 'create_order') },
  legacy: { more: {}, headers: { 'mcp-protocol-version': '2025-11-25' } },
} as const

const unfit: readonly [given: unknown, why: RegExp][] = [
  [{ kind: 'sample', count: '7' }, /^\/count must be integer\.$/],
  [{ kind: 'sample', count: 0 }, /^\/count must not be less \(1\)\.$/],
  [{ kind: 'sample', note: 'hunter2' }, /^\/note must not be there\.$/],
]

for (const [era, { more, headers }] of Object.entries(eras))
  test(`arguments have to fit the schema of their tool (${era})`, async (t) => {
    const { server, seen, own } = await listingServer(t, [createOrder])
    const { site, token, say } = await openMcpStage(t, server, { budget: '{ calls: 1 }' })
    const secret = await token('orders:sample')
    const call = (given: unknown) =>
      say(
        secret,
        { method: 'tools/call', params: { name: 'create_order', arguments: given, ...more } },
        headers,
      )
    for (const [given, why] of unfit) {
      const { status, body } = await call(given)
      const { isError, content } = body['result'] as { isError: boolean; content: { text: string }[] }
      assert.deepEqual([status, isError], [200, true])
      assert.match(content[0]?.text ?? '', why)
    }
    // Of what the policy does not allow nothing more is told.
    assert.match((await call({ kind: 'express', count: '7' })).text, /The policy does not allow this call/)
    own.tools = [{ ...createOrder, inputSchema: { $ref: 'https://schemas.example/order.json' } }]
    assert.match((await call({ kind: 'sample', count: '7' })).text, /schema is at fault/)
    own.tools = [{ ...createOrder, description: 'x'.repeat(300_000) }]
    assert.match((await call({ kind: 'sample', count: '7' })).text, /definition is at fault: it is too large/)
    assert.deepEqual(seen, [])
    own.tools = [createOrder]
    assert.match(
      (await call({ kind: 'sample', count: 7 })).text,
      /"content":\[\]/,
      'no call was counted before',
    )
    assert.equal(seen.length, 1)
    const { entries } = await exportedLog(site.config)
    const reasons = entries.filter(({ type }) => type === 'route.refused').map(({ reason }) => String(reason))
    assert.equal(reasons.length, unfit.length + 3)
    assert.match(reasons[0] ?? '', /^\/count must be integer/)
    assert.doesNotMatch(reasons.join(), /hunter2/)
  })

test("where the operator says so, arguments are the server's to check", async (t) => {
  const { server, seen } = await listingServer(t, [createOrder])
  const { token, say } = await openMcpStage(t, server, { checks: false })
  const params = { name: 'create_order', arguments: { kind: 'sample', count: '7' }, _meta: meta() }
  const { status } = await say(
    await token('orders:sample'),
    { method: 'tools/call', params },
    modern('tools/call', 'create_order'),
  )
  assert.deepEqual([status, seen.length], [200, 1])
})
