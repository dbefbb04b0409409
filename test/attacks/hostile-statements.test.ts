/**
 * Statements that a token does not allow, on a server that would run every one of them: each is refused by the route,
 * the reason is in the log, the session goes on, and the server has not seen it.
 */
import assert from 'node:assert/strict'
import { after, before as atStart, type TestContext, test } from 'node:test'
import pg from 'pg'
import { exportedLog } from '../fakes/exported-log.ts'
import { type RunningPostgres, startPostgres } from '../fakes/postgres.ts'
import { startRoute } from '../fakes/postgres-route.ts'
import { query } from '../fakes/query.ts'
import { hostileStatements } from './hostile-statements.ts'

const scopes = `
  orders: { access: write, statements: ["SELECT|INSERT|UPDATE|DELETE shop.orders", LISTEN news] },
  customers: { access: read, statements: [{ statement: SELECT shop.customers, columns: [id, name, email], mask: { email: hash }, rows: 3 }] },
  built: { access: read, statements: ["SELECT pg_catalog.*", "SELECT information_schema.*"] },
`

const tables = `
  CREATE SCHEMA shop;
  CREATE TABLE shop.orders (id int PRIMARY KEY, status text, note text);
  CREATE TABLE shop.customers (id int PRIMARY KEY, name text, email text, card text);
  CREATE TABLE shop.payroll (id int PRIMARY KEY, amount int, customer int REFERENCES shop.customers);
  CREATE TABLE public.orders (id int PRIMARY KEY, status text);
  CREATE SEQUENCE shop.numbers;
  CREATE FUNCTION shop.raise() RETURNS int LANGUAGE sql AS 'UPDATE shop.payroll SET amount = amount * 2 RETURNING 1';
  CREATE FUNCTION shop.lower(shop.orders) RETURNS int LANGUAGE sql AS 'UPDATE shop.payroll SET amount = 0 RETURNING 1';
  CREATE FUNCTION shop.bump(shop.orders) RETURNS int LANGUAGE sql AS 'UPDATE shop.payroll SET amount = -1 RETURNING 1';
  CREATE TYPE shop.kind AS (a int);
  CREATE FUNCTION shop.of_kind(shop.kind) RETURNS int LANGUAGE sql AS 'UPDATE shop.payroll SET amount = -2 RETURNING 1';
  CREATE CAST (shop.kind AS int) WITH FUNCTION shop.of_kind(shop.kind) AS IMPLICIT;
  CREATE PROCEDURE shop.close_day() LANGUAGE sql AS 'DELETE FROM shop.orders';
  CREATE OPERATOR shop.!! (FUNCTION = shop.lower, RIGHTARG = shop.orders);
  INSERT INTO shop.orders SELECT n, 'open', 'n' || n FROM generate_series(1, 5) AS n;
  INSERT INTO shop.customers SELECT n, 'name' || n, 'c' || n || '@acme.example', '4000' || n FROM generate_series(1, 5) AS n;
  INSERT INTO shop.payroll SELECT n, n * 1000, n FROM generate_series(1, 5) AS n;
  GRANT USAGE ON SCHEMA shop TO migrator;
  GRANT ALL ON ALL TABLES IN SCHEMA shop, public TO migrator;
  GRANT ALL ON ALL SEQUENCES IN SCHEMA shop TO migrator;
  GRANT pg_execute_server_program, pg_read_server_files, pg_write_server_files, pg_read_all_data, pg_signal_backend TO migrator;
`

let server: RunningPostgres

atStart(async () => {
  server = await startPostgres({
    ...{ logging_collector: 'on', log_statement: 'all', log_filename: 'all.log' },
    log_min_error_statement: 'error',
  })
})
after(async () => await server?.stop())

async function start(t: TestContext) {
  const admin = await server.createDatabase()
  await query(admin, 'CREATE ROLE migrator').catch(() => undefined)
  await query(admin, tables)
  const stage = await startRoute(t, {
    on: admin,
    target: `, schema: shop, scopes: {${scopes.replaceAll('\n', ' ')}}`,
  })
  const signIn = async () => {
    const { token } = await stage.get()
    const client = new pg.Client({ connectionString: stage.urlWith(token) })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  return { ...stage, admin, signIn }
}

const state = `SELECT (SELECT json_agg(o ORDER BY id) FROM shop.orders o) AS orders,
  (SELECT json_agg(p ORDER BY id) FROM shop.payroll p) AS payroll, (SELECT json_agg(c ORDER BY id) FROM shop.customers c) AS customers,
  (SELECT last_value FROM shop.numbers) AS number, (SELECT count(*)::int FROM pg_class) AS relations,
  (SELECT count(*)::int FROM pg_proc) AS functions, (SELECT count(*)::int FROM pg_roles WHERE rolname !~ '^mayfly') AS roles`

test('sixty hostile statements, in both protocols: refused, recorded with the reason, never at the server', async (t) => {
  const { admin, signIn, site } = await start(t)
  const { rows: before } = await query(admin, state)
  assert.ok(hostileStatements.length >= 60, `${hostileStatements.length}`)
  let client = await signIn()
  for (const [at, [text, reason]] of hostileStatements.entries()) {
    // Of one lease, thirty refusals at once have an entry each.
    if (at % 15 === 14) {
      await client.end()
      client = await signIn()
    }
    const marked = `${text} -- mark${at}.`
    for (const ask of [marked, { text: marked, name: `p${at}`, values: [] }]) {
      const found = await client.query(ask).then(
        ({ rowCount }) => `${rowCount} rows`,
        (error: pg.DatabaseError) => `${error.code}: ${error.message}`,
      )
      assert.match(found, /^42501: The token does not allow this statement: /, `${text}: ${found}`)
      assert.match(found, reason, `${text}: ${found}`)
    }
  }
  assert.equal((await client.query('SELECT count(*)::int AS n FROM orders')).rows[0].n, 5)
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  for (const [text, reason] of hostileStatements)
    assert.ok(
      refused.some((entry) => reason.test(entry.reason ?? '')),
      `no entry for ${text}`,
    )
  assert.deepEqual((await query(admin, state)).rows, before)
  const log = String((await query(admin, "SELECT pg_read_file('log/all.log') AS text")).rows[0].text)
  assert.match(log, /count\(\*\)::int AS n FROM orders/)
  assert.doesNotMatch(log, /mark\d+\./)
  await client.end()
})

test('what the scopes list works: schema by itself, masks, rows, the catalogs', async (t) => {
  const { signIn } = await start(t)
  const client = await signIn()
  await client.query('BEGIN')
  await client.query("UPDATE orders SET status = 'paid' WHERE id = $1 RETURNING status", [1])
  await client.query('ROLLBACK')
  const { rows } = await client.query(
    'SELECT c.id, c.email, o.status FROM shop.customers c JOIN shop.orders o ON o.id = c.id WHERE c.name = $1 ORDER BY c.id',
    ['name2'],
  )
  assert.deepEqual({ ...rows[0], email: String(rows[0].email).length }, { id: 2, email: 32, status: 'open' })
  await assert.rejects(client.query('SELECT id FROM customers'), /more than the 3 rows/)
  assert.equal((await client.query('SELECT id FROM customers LIMIT 3')).rows.length, 3)
  await client.query('LISTEN news')
  assert.ok((await client.query("SELECT relname FROM pg_class WHERE relname = 'orders'")).rows.length > 0)
  await client.query(
    'WITH o AS (SELECT id, status FROM orders) SELECT o.status, count(*) FROM o GROUP BY o.status',
  )
  await client.query(
    'INSERT INTO orders (id, status) VALUES (9, $1) ON CONFLICT (id) DO UPDATE SET status = excluded.status',
    ['x'],
  )
  await client.query('DELETE FROM orders WHERE id = 9')
  await client.query("SET statement_timeout = '5s'; SET TIME ZONE 'UTC'")
  await client.query('EXPLAIN SELECT id FROM orders')
  await client.end()
})
