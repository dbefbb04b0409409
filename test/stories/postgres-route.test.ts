/** A job works on a database through the proxy: its token is the password, and the session ends with the lease. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import postgres from 'postgres'
import { exportedLog } from '../fakes/exported-log.ts'
import { once, startRoute } from '../fakes/postgres-route.ts'
import { revoke } from '../fakes/requests.ts'

test('the token is the password: simple, prepared and pipelined statements, transactions and COPY arrive', async (t) => {
  const { get, urlWith, admin } = await startRoute(t)
  const { token } = await get()
  const client = new pg.Client({ connectionString: urlWith(token) })
  await client.connect()
  await client.query(
    "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'one')",
  )
  const { rows } = await client.query({
    name: 'by-id',
    text: 'SELECT note FROM orders WHERE id = $1',
    values: [1],
  })
  assert.deepEqual(rows, [{ note: 'one' }])
  await client.query('BEGIN')
  await client.query('INSERT INTO orders VALUES ($1, $2)', [2, 'two'])
  await client.query('ROLLBACK')
  await assert.rejects(client.query('SELECT nothing_there'), /does not exist/)
  assert.equal((await client.query('SELECT count(*)::int AS n FROM orders')).rows[0].n, 1)
  await client.end()
  const sql = postgres(urlWith(token), { max: 4, onnotice: () => {} })
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => sql`SELECT ${i}::int AS i`))
  assert.deepEqual(
    all.map(([row]) => row?.['i']),
    Array.from({ length: 50 }, (_, i) => i),
  )
  const copy = await sql`COPY orders FROM STDIN`.writable()
  for (let i = 10; i < 2000; i++) copy.write(`${i}\t${'x'.repeat(200)}\n`)
  await new Promise<void>((resolve, reject) =>
    copy.end((error?: Error | null) => (error ? reject(error) : resolve())),
  )
  assert.equal((await sql`SELECT count(*)::int AS n FROM orders`)[0]?.['n'], 1991)
  await sql.end()
  const seen = await once(admin, `SELECT count(*)::int AS n FROM orders`)
  assert.equal(seen.rows[0].n, 1991)
})

test('an open session ends with its lease; the password in the lease never left', async (t) => {
  const { get, urlWith, broker, site } = await startRoute(t)
  const { token, answer, credential } = await get()
  assert.deepEqual(Object.keys(credential ?? {}).toSorted(), ['database', 'password', 'user'])
  assert.match(token, /^eyJ/)
  const client = new pg.Client({ connectionString: urlWith(token) })
  const cut: unknown[] = []
  client.on('error', (thrown) => cut.push(thrown))
  await client.connect()
  await client.query('SELECT 1')
  await revoke(broker.url, String(answer.body['access_token']))
  await assert.rejects(client.query('SELECT 2'))
  assert.deepEqual(
    cut.flatMap((each) => (each instanceof Error && 'code' in each ? [each.code] : [])),
    ['57P01'],
  )
  await assert.rejects(once(urlWith(token), 'SELECT 3'), /not accepted/)
  const { entries } = await exportedLog(site.config)
  const route = entries.filter(({ type }) => String(type).startsWith('route.'))
  assert.deepEqual(
    route.map(({ type }) => type),
    ['route.admitted', 'route.refused'],
  )
})
