/** Rows are counted and masked by the rule of their own statement, however statements follow each other. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import postgres from 'postgres'
import {
  type Alone,
  forbidden,
  number32,
  openWire,
  packet,
  routeAlone,
} from '../fakes/postgres-route-alone.ts'

type Check = NonNullable<Parameters<typeof routeAlone>[2]>
type Rule = NonNullable<Extract<ReturnType<Check['look']>, { keeps: boolean }>>['results'][number]

/** A statement says its own rule: `/*0=last4 rows=3*` and so on. */
const ruled: Check = {
  ...forbidden,
  follows: () => true,
  look(text) {
    const { refusal } = forbidden.look(text)
    return refusal === undefined ? { results: text.split(';').map(ruleIn), keeps: false } : { refusal }
  },
}

function ruleIn(statement: string): Rule {
  const masks = [...statement.matchAll(/(\d)=(null|text|hash|last4)/g)].map(
    ([, column, mask]) => [Number(column), mask as 'null'] as const,
  )
  const rows = /rows=(\d+)/.exec(statement)?.[1]
  return {
    ...(masks.length === 0 ? {} : { masks: new Map(masks) }),
    ...(rows === undefined ? {} : { rows: Number(rows) }),
  }
}

async function connected(t: TestContext): Promise<{ alone: Alone; client: pg.Client }> {
  const alone = await routeAlone(t, {}, ruled)
  const client = new pg.Client({ connectionString: alone.url })
  client.on('error', () => {})
  await client.connect()
  return { alone, client }
}

const int16 = (value: number) => Buffer.of(value >> 8, value & 255)
const parse = (name: string, text: string) => packet('P', name, text, int16(0))
const bindTo = (name: string, portal = '') => packet('B', portal, name, int16(0), int16(0), int16(0))
const execute = (portal = '', rows = 0) => packet('E', portal, number32(rows))
const sync = packet('S')
const card = "'4111111111111234'"
const typesOf = (found: readonly { type: string }[]) => found.map(({ type }) => type).join('')
const valuesOf = (found: readonly { type: string; body: Buffer }[]) =>
  found.filter(({ type }) => type === 'D').map(({ body }) => body.subarray(6).toString())

test('each kind of mask, in simple and prepared statements, and the same value has the same hash', async (t) => {
  const { client } = await connected(t)
  const text = `SELECT ${card} AS a, ${card} AS b, ${card} AS c, ${card} AS d, 'short' AS e, ${card} AS f, NULL AS g
    /* 0=null 1=text 2=hash 3=last4 4=last4 6=text */`
  const [simple, prepared] = [await client.query(text), await client.query({ name: 'x', text })]
  assert.deepEqual(simple.rows, prepared.rows)
  const [{ c, ...row }] = simple.rows
  assert.match(c, /^[0-9a-f]{32}$/)
  const shown = { a: null, b: '****', d: '****1234', e: '****', f: card.slice(1, -1), g: null }
  assert.deepEqual(row, shown)
  await client.end()
})

test('what comes in binary is masked to nothing', async (t) => {
  const alone = await routeAlone(t, {}, ruled)
  const { socket, until } = await openWire(alone)
  const binary = (...codes: number[]) => {
    const value = Buffer.concat([int16(1), number32(3), Buffer.from('abc')])
    return packet('B', '', '', int16(1), int16(0), value, int16(codes.length), ...codes.map(int16))
  }
  const text = parse('', `SELECT 7::int, 7::int, $1::text /* 0=hash 1=last4 2=text */`)
  const size = number32(0xffffffff)
  for (const [codes, expected] of [
    [[1], [size, size, size]],
    [
      [1, 0, 1],
      [size, number32(4), Buffer.from('****'), size],
    ],
    [
      [1, 0, 0],
      [size, number32(4), Buffer.from('****'), number32(4), Buffer.from('****')],
    ],
  ] as const) {
    socket.write(Buffer.concat([text, binary(...codes), execute(), sync]))
    const row = (await until('Z')).find(({ type }) => type === 'D')
    assert.deepEqual(row?.body.subarray(2), Buffer.concat([...expected]))
  }
})

test('of several statements in one text each has its own rule', async (t) => {
  const { client } = await connected(t)
  const found = (await client.query(
    `SELECT ${card} AS a; SELECT ${card} AS a /* 0=text */; SELECT ${card} AS a`,
  )) as unknown as pg.QueryResult[]
  assert.deepEqual(
    found.map(({ rows }) => rows[0].a),
    [card.slice(1, -1), '****', card.slice(1, -1)],
  )
  await client.end()
})

test('pipelines, errors in them, skipped statements, closed and repeated names keep each row with its rule', async (t) => {
  const alone = await routeAlone(t, {}, ruled)
  const { socket, until } = await openWire(alone)
  const masked = parse('m', `SELECT ${card} /* 0=text */`)
  const open = parse('o', `SELECT 'plain'`)
  const run = (name: string) => [bindTo(name), execute()]
  socket.write(Buffer.concat([masked, open, ...run('m'), ...run('o'), ...run('m'), sync]))
  assert.deepEqual(valuesOf(await until('Z')), ['****', 'plain', '****'])
  // The server skips the Query, and the second name `m` is not made.
  const wrong = [
    parse('', 'SELECT nothing_there'),
    packet('Q', `SELECT ${card}`),
    parse('m', `SELECT 'x'`),
    sync,
  ]
  socket.write(
    Buffer.concat([...wrong, ...run('m'), sync, parse('m', `SELECT ${card}`), sync, ...run('m'), sync]),
  )
  assert.equal(typesOf(await until('Z')), 'EZ')
  assert.deepEqual(valuesOf(await until('Z')), ['****'])
  assert.equal(typesOf(await until('Z')), 'EZ')
  assert.deepEqual(valuesOf(await until('Z')), ['****'])
  socket.write(Buffer.concat([parse('f', 'SELECT forbidden'), ...run('m'), sync, ...run('m'), sync]))
  assert.equal(typesOf(await until('Z')), 'EZ')
  assert.deepEqual(valuesOf(await until('Z')), ['****'])
  socket.write(Buffer.concat([packet('C', 'Sm'), parse('m', `SELECT 'new'`), ...run('m'), sync]))
  assert.deepEqual(valuesOf(await until('Z')), ['new'])
})

test('COPY in the middle of it, with Sync before its end, changes nothing', async (t) => {
  const alone = await routeAlone(t, {}, ruled)
  const { socket, until } = await openWire(alone)
  socket.write(packet('Q', 'CREATE TABLE c (n int)'))
  await until('Z')
  const rows = [packet('d', Buffer.from('1\n')), packet('c')]
  const copy = [parse('', 'COPY c FROM STDIN'), bindTo(''), execute()]
  const masked = [parse('', `SELECT ${card} /* 0=text */`), bindTo(''), execute(), sync]
  socket.write(Buffer.concat([...copy, sync]))
  await until('G')
  socket.write(Buffer.concat([...rows, sync, ...masked]))
  await until('Z')
  assert.deepEqual(valuesOf(await until('Z')), ['****'])
  socket.write(
    Buffer.concat([
      ...copy,
      sync,
      ...rows,
      sync,
      ...masked,
      packet('Q', 'COPY c FROM STDIN'),
      ...rows,
      ...masked,
    ]),
  )
  await until('Z')
  assert.deepEqual(valuesOf(await until('Z')), ['****'])
  await until('Z')
  assert.deepEqual(valuesOf(await until('Z')), ['****'])
  socket.write(packet('Q', 'SELECT count(*) FROM c'))
  assert.deepEqual(valuesOf(await until('Z')), ['3'])
})

test('more rows than allowed are an error, also in portions and by COPY, and the session goes on', async (t) => {
  const { client, alone } = await connected(t)
  const some = (n: number) => client.query(`SELECT g FROM generate_series(1, ${n}) g /* rows=5 */`)
  assert.equal((await some(5)).rows.length, 5)
  await assert.rejects(some(6), { code: '54000' })
  await assert.rejects(some(9000), { code: '54000' })
  assert.equal((await some(5)).rows.length, 5)
  await client.end()
  const { socket, until } = await openWire(alone)
  const portions = [execute('p', 3), execute('p', 3)]
  const select = parse('', 'SELECT g FROM generate_series(1, 6) g /* rows=5 */')
  socket.write(Buffer.concat([select, bindTo('', 'p'), ...portions, sync]))
  assert.equal(typesOf(await until('Z')), '12DDDsDDEZ')
  socket.write(packet('Q', 'COPY (SELECT g FROM generate_series(1, 9) g) TO STDOUT /* rows=5 */'))
  assert.equal(typesOf(await until('Z')), 'HdddddEZ')
  // It would take minutes to its end.
  socket.write(packet('Q', 'SELECT generate_series(1, 1000000000) /* rows=5 */'))
  assert.equal(typesOf(await until('Z')), 'TDDDDDEZ')
})

test('drivers that pipeline by themselves get each row with its rule', async (t) => {
  const alone = await routeAlone(t, {}, ruled)
  const sql = postgres(alone.url, { max: 2, onnotice: () => {} })
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      i % 2 === 0 ? sql`SELECT ${i}::text AS a /* 0=text */` : sql`SELECT ${i}::text AS a`,
    ),
  )
  assert.deepEqual(
    all.map(([row]) => row?.['a']),
    Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? '****' : String(i))),
  )
  await sql.end()
})
