/** Each recorded statement has its own outcome, however a caller orders its messages and whatever it leaves out. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Carried, Outcome } from '@mayfly/broker/base/carried'
import { Failure } from '@mayfly/broker/base/failure'
import { number32, openWire, packet, routeAlone } from '../fakes/postgres-route-alone.ts'

async function recorded(t: TestContext) {
  const alone = await routeAlone(t)
  const kept: { text: string; outcome?: Outcome }[] = []
  const state = { refuses: false }
  alone.gate.records = () => true
  alone.gate.record = async (_, __, carried: () => Carried) => {
    if (state.refuses) throw new Failure('provider_unavailable', { reason: 'for a test' })
    const what = carried()
    const entry: (typeof kept)[number] = { text: what.kind === 'statement' ? what.text : '' }
    kept.push(entry)
    return (outcome) => {
      entry.outcome = outcome
    }
  }
  const wire = await openWire(alone)
  const said = () => kept.map(({ text, outcome }) => `${text}: ${JSON.stringify(outcome)}`)
  return { wire, said, state, alone }
}

const int16 = (value: number) => Buffer.of(value >> 8, value & 255)
const parse = (name: string, text: string) => packet('P', name, text, int16(0))
const bind = (name: string, portal = '') => packet('B', portal, name, int16(0), int16(0), int16(0))
const execute = (portal = '', rows = 0) => packet('E', portal, number32(rows))
const sync = packet('S')
const run = (text: string) => Buffer.concat([parse('', text), bind(''), execute()])
const unknown = '[a portal that no Bind of this session named]'

test('an error in a pipeline is that of its own statement, and what the server passed over says so', async (t) => {
  const { wire, said } = await recorded(t)
  wire.socket.write(
    Buffer.concat([run('SELECT 1'), run('SELECT 1/0'), run('SELECT 2'), sync, run('VALUES (1), (2)'), sync]),
  )
  await wire.until('Z')
  await wire.until('Z')
  assert.deepEqual(said(), [
    'SELECT ?: {"rows":1}',
    'SELECT ?/?: {"error":"22012"}',
    'SELECT ?: {"cut":true}',
    'VALUES (?), ...: {"rows":2}',
  ])
})

test('what follows an error without Sync did not run, and the round after it is told right', async (t) => {
  const { wire, said } = await recorded(t)
  wire.socket.write(parse('', 'SELECT nonsense from nowhere'))
  wire.socket.write(packet('H'))
  await wire.until('E')
  wire.socket.write(
    Buffer.concat([packet('Q', 'SELECT 1'), run('SELECT 2'), sync, packet('Q', 'VALUES (1), (2)')]),
  )
  await wire.until('Z')
  await wire.until('Z')
  assert.deepEqual(said(), ['VALUES (?), ...: {"rows":2}'])
})

test('a refused statement is none of those that were carried', async (t) => {
  const { wire, said } = await recorded(t)
  wire.socket.write(Buffer.concat([parse('', 'SELECT 1'), bind(''), execute(), sync]))
  wire.socket.write(Buffer.concat([run("SELECT 'forbidden'"), sync, packet('Q', 'SELECT forbidden')]))
  wire.socket.write(
    Buffer.concat([run('VALUES (1), (2)'), sync, packet('F', number32(0), int16(0), int16(0), int16(0))]),
  )
  wire.socket.write(packet('Q', 'SELECT 3'))
  for (let i = 0; i < 6; i++) await wire.until('Z')
  assert.deepEqual(said(), ['SELECT ?: {"rows":1}', 'VALUES (?), ...: {"rows":2}', 'SELECT ?: {"rows":1}'])
})

test('a portal is executed piece by piece, and one that nobody bound has no text of another', async (t) => {
  const { wire, said } = await recorded(t)
  wire.socket.write(
    Buffer.concat([packet('Q', 'BEGIN'), packet('Q', 'DECLARE c CURSOR FOR VALUES (1), (2)')]),
  )
  wire.socket.write(
    Buffer.concat([
      parse('s', 'VALUES (1), (2), (3)'),
      bind('s', 'p'),
      execute('p', 2),
      execute('p'),
      execute('c'),
      sync,
    ]),
  )
  for (let i = 0; i < 3; i++) await wire.until('Z')
  assert.deepEqual(said().slice(2), [
    'VALUES (?), ...: {}',
    'VALUES (?), ...: {"rows":1}',
    `${unknown}: {"rows":2}`,
  ])
})

test('a Sync that the server does not answer while it takes a COPY moves nothing', async (t) => {
  const { wire, said } = await recorded(t)
  const copy = 'COPY copied FROM STDIN'
  wire.socket.write(packet('Q', 'CREATE TEMP TABLE copied (n int)'))
  await wire.until('Z')
  wire.socket.write(Buffer.concat([run(copy), sync]))
  await wire.until('G')
  wire.socket.write(
    Buffer.concat([packet('d', Buffer.from('1\n2\n')), sync, packet('c'), sync, packet('Q', 'SELECT 1')]),
  )
  await wire.until('Z')
  await wire.until('Z')
  wire.socket.write(
    Buffer.concat([
      run(copy),
      packet('d', Buffer.from('3\n')),
      packet('c'),
      sync,
      packet('Q', 'TABLE copied'),
    ]),
  )
  await wire.until('Z')
  await wire.until('Z')
  assert.deepEqual(said().slice(1), [
    'COPY copied FROM STDIN: {"rows":2}',
    'SELECT ?: {"rows":1}',
    'COPY copied FROM STDIN: {"rows":1}',
    'TABLE copied: {"rows":3}',
  ])
})

test('a caller that sends thousands of statements before it reads has each of them recorded, and is held back', async (t) => {
  const { wire, said, alone } = await recorded(t)
  wire.socket.write(Buffer.concat([parse('', 'VALUES (1)'), bind('', 'p')]))
  const one = Buffer.concat([bind(''), execute()])
  for (let i = 0; i < 30; i++) wire.socket.write(Buffer.concat(Array.from({ length: 300 }, () => one)))
  wire.socket.write(sync)
  await wire.until('Z')
  assert.equal(said().length, 9_000)
  assert.deepEqual(new Set(said()), new Set(['VALUES (?): {"rows":1}']))
  wire.socket.write(Buffer.concat([parse('', 'SELECT pg_sleep(60)'), bind(''), execute()]))
  wire.socket.write(Buffer.concat(Array.from({ length: 100_000 }, () => execute('p'))))
  while (said().length < 9_002) await turn()
  for (let i = 0; i < 1_000; i++) await turn()
  // The server sleeps: of what it has not answered only so much is remembered, and the rest waits in the caller.
  assert.ok(said().length <= 9_000 + 20_000, String(said().length))
  await alone.close(0)
})

test('what was running when the session ended is told as cut', async (t) => {
  const { wire, said, alone } = await recorded(t)
  wire.socket.write(packet('Q', 'SELECT pg_sleep(60)'))
  while (said().length === 0) await turn()
  await alone.close(0)
  await wire.closed()
  // The route may notice the end a little later than the caller.
  for (let i = 0; i < 10_000 && !said()[0]?.includes('cut'); i++) await turn()
  assert.deepEqual(said(), ['SELECT pg_sleep(?): {"cut":true}'])
})

test('where a record is refused nothing of what came with it goes on, and the session ends', async (t) => {
  const { wire, state, alone } = await recorded(t)
  wire.socket.write(packet('Q', 'CREATE TABLE before_refusal (n int)'))
  await wire.until('Z')
  state.refuses = true
  wire.socket.write(packet('Q', 'INSERT INTO before_refusal VALUES (1)'))
  assert.match(String(await wire.closed()), /FATAL[\s\S]*08006/)
  state.refuses = false
  const next = await openWire(alone)
  next.socket.write(packet('Q', 'TABLE before_refusal'))
  const found = await next.until('Z')
  assert.equal(found.filter(({ type }) => type === 'D').length, 0)
})
