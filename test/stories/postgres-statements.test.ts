/** Tools and programs that people use, on a database whose statements the policy lists. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import postgres from 'postgres'
import { atEnd } from '../fakes/at-end.ts'
import { debianProgram } from '../fakes/debian-package.ts'
import { startPostgres } from '../fakes/postgres.ts'
import { startRoute } from '../fakes/postgres-route.ts'
import { query } from '../fakes/query.ts'
import { runToEnd } from '../fakes/run-to-end.ts'

const tables = `CREATE TABLE lines (n int PRIMARY KEY, t text);
  INSERT INTO lines SELECT n, 'x' FROM generate_series(1, 500) AS n; GRANT ALL ON lines TO migrator;`

test('psql and pg_dump work where scopes list what they do', async (t) => {
  // Debian's pg_dump takes no server that is newer than itself.
  const installed = '/usr/lib/postgresql/15'
  debianProgram(`${installed}/bin/postgres`, 'postgresql-15')
  const server = await startPostgres({}, installed)
  atEnd(t, () => server.stop())
  const on = await server.createDatabase()
  await query(on, 'CREATE ROLE migrator')
  await query(on, tables)
  const target = `, schema: public, scopes: { all: { access: read, statements: ["SELECT public.*", "SELECT pg_catalog.*", { statement: SELECT pg_catalog.pg_subscription, columns: [subdbid, oid, datname] }] } }`
  const { get, place, base, admin } = await startRoute(t, { on, target })
  const { token } = await get()
  const client = (name: string) => debianProgram(`/usr/bin/${name}`, 'postgresql-client')
  const env = {
    ...{ PATH: process.env['PATH'], PGHOST: place.hostname, PGPORT: place.port, PGUSER: 'job' },
    ...{ PGPASSWORD: token, PGDATABASE: base, LC_ALL: 'C' },
  }
  const run = (name: string, ...words: string[]) => runToEnd(client(name), words, { env })
  const listed = await run('psql', '-At', '-c', '\\d lines', '-c', '\\dt', '-c', 'SELECT count(*) FROM lines')
  assert.match(listed.stdout, /n\|integer\|\|not null\|/, listed.stderr)
  assert.match(listed.stdout, /public\|lines\|table\|[^\n]*\n500\n/, listed.stderr)
  assert.equal(listed.stderr, '')
  const dump = await run('pg_dump', '--table=lines')
  assert.equal(dump.code, 0, dump.stderr)
  assert.equal(dump.stdout.match(/\tx$/gm)?.length, 500)
  const refused = await run('psql', '-At', '-c', 'DELETE FROM lines WHERE n = 1')
  assert.match(refused.stderr, /ERROR: {2}The token does not allow this statement: DELETE public\.lines/)
  assert.equal((await query(admin, 'SELECT count(*)::int AS n FROM lines')).rows[0].n, 500)
})

test('a change of the policy counts at the next statement, also for what is prepared', async (t) => {
  const target = `, schema: public, scopes: { all: { access: write, statements: ["SELECT|UPDATE public.lines", "SELECT pg_catalog.*"] } }`
  const { get, urlWith, admin, site, broker } = await startRoute(t, { target })
  await query(admin, tables)
  const { token } = await get()
  const client = new pg.Client({ connectionString: urlWith(token) })
  client.on('error', () => {})
  await client.connect()
  const ask = { name: 'one', text: 'UPDATE lines SET t = $1 WHERE n = 1', values: ['y'] }
  await client.query(ask)
  const policy = join(site.folder, 'policies/site.policy.yaml')
  writeFileSync(
    policy,
    readFileSync(policy, 'utf8')
      .replace('SELECT|UPDATE public.lines', 'SELECT public.lines')
      .replace('access: write, statements', 'access: read, statements'),
  )
  await broker.reloadPolicy()
  await assert.rejects(client.query({ ...ask, values: ['z'] }), /permission|terminated/)
  assert.equal((await query(admin, 'SELECT t FROM lines WHERE n = 1')).rows[0].t, 'y')
  const sql = postgres(urlWith(token), { max: 1, onnotice: () => {} })
  assert.equal((await sql`SELECT n FROM lines WHERE n = ${2}`).length, 1)
  await assert.rejects(sql`UPDATE lines SET t = ${'no'} WHERE n = ${2}`, /does not allow this statement/)
  await sql.end()
})
