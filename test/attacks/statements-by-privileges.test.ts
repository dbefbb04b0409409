/**
 * The judge of statements against another judge: random statements that rules let through run as a role that has, in
 * PostgreSQL's own terms, no more rights than those rules, in a transaction that may not write what they do not list.
 * The server must find nothing that it had to refuse.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { harmless } from '@mayfly/broker/route/routes/postgres/statement/functions'
import { openStatementReader } from '@mayfly/broker/route/routes/postgres/statement/reader'
import { readStatementLine, type StatementRule, statementVerdict } from '@mayfly/policy/statements'
import fc from 'fast-check'
import pg from 'pg'
import { database } from '../fakes/postgres-for.ts'

const tables = `
  CREATE SCHEMA shop;
  CREATE TABLE shop.a (id int PRIMARY KEY, x text, y text);
  CREATE TABLE shop.b (id int PRIMARY KEY, x text, z text);
  CREATE TABLE shop.c (id int PRIMARY KEY, x text, w text);
  INSERT INTO shop.a SELECT n, 'x', 'y' FROM generate_series(1, 3) AS n;
  INSERT INTO shop.b SELECT n, 'x', 'z' FROM generate_series(1, 3) AS n;
  INSERT INTO shop.c SELECT n, 'x', 'w' FROM generate_series(1, 3) AS n;
  CREATE FUNCTION shop.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE ROLE narrow LOGIN PASSWORD 'narrow';
  GRANT USAGE ON SCHEMA shop TO narrow;
  REVOKE EXECUTE ON FUNCTION shop.f FROM PUBLIC;
  GRANT SELECT (id, x), UPDATE (x) ON shop.a TO narrow;
  GRANT SELECT, INSERT, UPDATE, DELETE ON shop.b TO narrow;
`

const rule = (text: string, more: Partial<StatementRule> = {}): StatementRule => {
  const line = readStatementLine(text)
  if (typeof line === 'string') throw new Error(line)
  return { ...line, ...more }
}

const rules = [
  rule('SELECT shop.a', { columns: new Set(['id', 'x']) }),
  rule('UPDATE shop.a', { columns: new Set(['x']), everyRow: true }),
  rule('SELECT|INSERT|UPDATE|DELETE shop.b', { everyRow: true }),
]

const pick = (...texts: readonly string[]) => fc.constantFrom(...texts)
const joined = (parts: readonly fc.Arbitrary<string>[], between = ' ') =>
  fc.tuple(...parts).map((all) => all.join(between))

/** Names that exist, in places where they may not belong: most are wrong, some run. */
const { query: queries } = fc.letrec<{ query: string; from: string; value: string; condition: string }>(
  (tie) => {
    const table = pick('a', 'b', 'b', 'c', 'shop.a', 'shop.b', 'shop.c', 'q')
    const alias = pick('', ' AS a', ' AS b', ' AS c', ' AS q', ' AS q(i, j, k)', ' AS old')
    const column = pick(
      ...[
        'id',
        'x',
        'y',
        'z',
        'w',
        'a.id',
        'a.x',
        'a.y',
        'b.id',
        'b.z',
        'q.id',
        'q.x',
        'c.w',
        'q.k',
        'old.y',
      ],
      ...['a', 'b', 'q', '(a).y', '(q).y', 'shop.a.y', 'shop.b.z', 'i', 'k'],
    )
    return {
      value: fc.oneof(
        { maxDepth: 3 },
        { arbitrary: column, weight: 6 },
        pick('1', "'x'", 'count(*)', 'shop.f(1)', 'now()', "nextval('x')"),
        tie('value').map((inner) => `upper(${inner}::text)`),
        tie('value').map((inner) => `to_json(${inner})`),
        tie('query').map((inner) => `(${inner} LIMIT 1)`),
        fc.tuple(tie('value'), tie('value')).map(([one, other]) => `coalesce(${one}::text, ${other}::text)`),
      ),
      condition: fc.oneof(
        fc.tuple(tie('value'), tie('value')).map(([one, other]) => `${one}::text = ${other}::text`),
        tie('query').map((inner) => `EXISTS (${inner})`),
        pick('true', 'id = 1', 'a.id = 1'),
      ),
      from: fc.oneof(
        { maxDepth: 3 },
        { arbitrary: joined([table, alias], ''), weight: 6 },
        fc.tuple(tie('from'), tie('from')).map(([one, other]) => `${one}, ${other}`),
        fc
          .tuple(tie('from'), tie('from'), alias)
          .map(([one, other, as]) => `(${one} CROSS JOIN ${other})${as}`),
        fc.tuple(tie('from'), tie('from')).map(([one, other]) => `${one} NATURAL JOIN ${other}`),
        fc.tuple(tie('from'), tie('from')).map(([one, other]) => `${one} JOIN ${other} USING (x)`),
        fc.tuple(tie('query'), pick('q', 'a', 'b')).map(([inner, name]) => `LATERAL (${inner}) AS ${name}`),
      ),
      query: fc.oneof(
        { maxDepth: 4 },
        {
          arbitrary: fc
            .tuple(
              pick('*', 'a.*', 'id', 'x', 'q.*', 'id, x'),
              tie('value'),
              tie('from'),
              tie('condition'),
              fc.boolean(),
            )
            .map(
              ([plain, value, from, where, own]) =>
                `SELECT ${own ? value : plain} FROM ${from} WHERE ${where}`,
            ),
          weight: 6,
        },
        fc.tuple(tie('value'), tie('from')).map(([value, from]) => `SELECT ${value} FROM ${from}`),
        fc.tuple(tie('query'), tie('query')).map(([one, other]) => `${one} UNION ALL ${other}`),
        fc
          .tuple(pick('a', 'b', 'q'), pick('', 'RECURSIVE '), tie('query'), tie('query'))
          .map(([name, how, inner, outer]) => `WITH ${how}${name} AS (${inner}) ${outer}`),
        fc
          .tuple(
            table,
            tie('value'),
            tie('condition'),
            pick('', ' RETURNING id', ' RETURNING *', ' RETURNING old.y'),
          )
          .map(
            ([name, value, where, shown]) => `UPDATE ${name} SET x = ${value}::text WHERE ${where}${shown}`,
          ),
        fc
          .tuple(table, pick('', ' USING shop.a', ' USING b'), tie('condition'), pick('', ' RETURNING x'))
          .map(([name, using, where, shown]) => `DELETE FROM ${name}${using} WHERE ${where}${shown}`),
        fc
          .tuple(
            table,
            pick('', '(id, x)', '(id)'),
            tie('query'),
            pick('', ' ON CONFLICT (id) DO UPDATE SET x = excluded.x', ' RETURNING y'),
          )
          .map(([name, columns, inner, more]) => `INSERT INTO ${name}${columns} ${inner}${more}`),
        fc
          .tuple(tie('query'), tie('query'))
          .map(([inner, outer]) => `WITH w AS (${inner} RETURNING *) ${outer}`),
      ),
    }
  },
)

test('what rules let through, the privileges of a role with no more rights let through too', async () => {
  const url = await database()
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(tables)
  await admin.end()
  const place = new URL(url)
  place.username = 'narrow'
  place.password = 'narrow'
  const client = new pg.Client({ connectionString: place.href, options: '-c search_path=shop' })
  await client.connect()
  const read = await openStatementReader()
  const runs = { judged: 0, passed: 0, ran: 0 }
  const statements = fc.sample(queries, {
    numRuns: 4_000,
    seed: Number(process.env['MAYFLY_FUZZ_SEED'] ?? 7),
  })
  for (const text of statements) {
    const facts = read(text)
    if (typeof facts === 'string') continue
    runs.judged++
    if (facts.some((each) => statementVerdict(rules, each, 'shop').is === 'no')) continue
    runs.passed++
    await client.query('BEGIN')
    const error = await client.query(text).then(
      () => undefined,
      (thrown: pg.DatabaseError) => thrown,
    )
    await client.query('ROLLBACK')
    if (error === undefined) runs.ran++
    // insufficient_privilege: the rules let through what the rights do not.
    assert.notEqual(error?.code, '42501', `${text}: ${error?.message}`)
  }
  if (process.env['MAYFLY_FUZZ_SEED'] !== undefined) console.log(runs)
  assert.ok(runs.passed > 100 && runs.ran > 30, JSON.stringify(runs))
  await client.end()
})

test('every function on the list is one of the server, and none is known to write, to wait or to read what a text names', async () => {
  const client = new pg.Client({ connectionString: await database() })
  await client.connect()
  const { rows } = await client.query<{ name: string; volatile: boolean; definer: boolean }>(
    `SELECT proname AS name, bool_or(provolatile = 'v') AS volatile, bool_or(prosecdef) AS definer FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname`,
  )
  await client.end()
  const known = new Map(rows.map((row) => [row.name, row]))
  const missing = [...harmless].filter((name) => !known.has(name))
  assert.deepEqual(missing, [])
  // They differ from call to call, and change nothing.
  const only = ['array_sample', 'array_shuffle', 'clock_timestamp', 'gen_random_uuid', 'pg_is_in_recovery']
  const more = [
    'pg_partition_ancestors',
    'pg_partition_tree',
    'random',
    'random_normal',
    'timeofday',
    'uuidv4',
    'uuidv7',
  ]
  assert.deepEqual([...harmless].filter((name) => known.get(name)?.volatile).toSorted(), [...only, ...more])
  assert.deepEqual(
    [...harmless].filter((name) => known.get(name)?.definer),
    [],
  )
  const dangerous = [
    ...[
      '_to_xml',
      '^pg_(read|ls|stat|sleep|advisory|logical|terminate|cancel|reload|promote|switch|walfile)_?',
    ],
    ...[
      '^pg_(backup|create|drop|replication|current_logfile|show|hba|ident|config|file)_',
      '^lo_',
      '^lo(read|write)$',
    ],
    ...[
      '^set_config',
      '^setseed',
      '^current_setting',
      '^ts_(stat|rewrite)',
      '^txid',
      '^(next|set|curr|last)val',
    ],
    ...['notify', 'import', '^inet_(client|server)'],
  ].map((text) => new RegExp(text))
  const found = [...harmless].filter((name) => dangerous.some((each) => each.test(name)))
  assert.deepEqual(found, ['pg_statistics_obj_is_visible'])
})
