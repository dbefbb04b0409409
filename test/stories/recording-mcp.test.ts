/** Calls of tools are in the log with the names of their arguments, and with what became of them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { legacyToolServer, modernToolServer } from '../fakes/mcp-server.ts'
import { meta, modern, openMcpStage } from '../fakes/mcp-stage.ts'

interface ToolEntry {
  readonly id: string
  readonly type: string
  readonly request?: string
  readonly carried?: {
    readonly method: string
    readonly tool?: string
    readonly arguments?: readonly string[]
  }
  readonly outcome?: {
    readonly status: number
    readonly error?: string
    readonly in: number
    readonly out: number
  }
}

const call = (name: string, given: object) => ({
  message: { method: 'tools/call', params: { name, arguments: given, _meta: meta() } },
  headers: modern('tools/call', name),
})

for (const record of ['best_effort', 'required'])
  test(`${record}: a job's messages and calls are told with the names of their arguments, and no value`, async (t) => {
    const { site, broker, token, say } = await openMcpStage(t, await modernToolServer(t), { record })
    const bearer = await token('orders:read orders:sample')
    const secret = randomBytes(32).toString('base64url')
    await say(bearer, { method: 'tools/list', params: { _meta: meta() } }, modern('tools/list'))
    for (const { message, headers } of [
      call('create_order', { kind: 'sample' }),
      call('create_order', { kind: 'sample', [secret]: 1, deep: { secret } }),
      call('search_orders', Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, secret]))),
    ])
      await say(bearer, message, headers)
    await broker.close()
    const { text, entries } = await exportedLog(site.config)
    const all = entries as unknown as readonly ToolEntry[]
    const answers = new Map(all.map(({ request, outcome }) => [request, outcome]))
    const told = all
      .filter(({ type }) => type === 'route.request')
      .map(({ id, carried, outcome = answers.get(id) }) => ({ carried, outcome }))
    assert.deepEqual(
      told.map(({ carried, outcome }) => [carried?.method, carried?.tool, outcome?.status]),
      [
        ['tools/list', undefined, 200],
        ['tools/call', 'create_order', 200],
        ['tools/call', 'create_order', 200],
        ['tools/call', 'search_orders', 200],
      ],
    )
    assert.deepEqual(told[1]?.carried?.arguments, ['kind'])
    assert.deepEqual(told[2]?.carried?.arguments, ['kind', '[redacted]', 'deep'])
    assert.equal(told[3]?.carried?.arguments?.at(-1), '[cut: 500 names]')
    assert.ok(told.every(({ outcome }) => (outcome?.in ?? 0) > 0 && (outcome?.out ?? 0) > 0))
    for (const hidden of [secret, bearer]) assert.ok(!text.includes(hidden))
    const file = join(site.folder, 'log.jsonl')
    writeFileSync(file, text)
    const lease = /"lease":"(ls_[a-z0-9]+)"/.exec(text)?.[1] ?? ''
    const shown = (await mayfly(['audit', 'show', '--log', file, '--lease', lease])).stdout
    assert.match(shown, /at tools: orders tools\/list -> 200/)
    assert.match(shown, /at tools: orders create_order\(kind\) -> 200, \d+ bytes in, \d+ bytes out/)
  })

test('required: a call that cannot be written down does not reach its server', async (t) => {
  const { site, token, say, server } = await openMcpStage(t, await modernToolServer(t), {
    record: 'required',
  })
  const bearer = await token('orders:read')
  const { message, headers } = call('search_orders', {})
  assert.equal((await say(bearer, message, headers)).status, 200)
  const database = new DatabaseSync(join(site.folder, 'mayfly.db'))
  atEnd(t, () => database.close())
  database.exec("CREATE TRIGGER no BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
  assert.equal((await say(bearer, message, headers)).status, 503)
  database.exec('DROP TRIGGER no')
  assert.deepEqual(server.calls, ['search_orders {}'])
})

test('an answer that comes as a stream of events is told as others are', async (t) => {
  const { site, broker, token, say } = await openMcpStage(t, await legacyToolServer(t), {
    record: 'best_effort',
  })
  const bearer = await token('orders:read')
  const hello = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  }
  const opened = await say(bearer, { method: 'initialize', params: hello })
  assert.match(String(opened.headers['content-type']), /event-stream/)
  await broker.close()
  const { entries } = await exportedLog(site.config)
  const [told] = entries.filter(({ type }) => type === 'route.request') as unknown as readonly ToolEntry[]
  assert.equal(told?.carried?.method, 'initialize')
  assert.equal(told?.outcome?.status, 200)
  assert.ok((told?.outcome?.out ?? 0) > 50 && !('cut' in (told?.outcome ?? {})))
})
