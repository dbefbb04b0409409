/** A job works on a database through the proxy: its token is the password, and the session ends with the lease. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import pg from 'pg'
import postgres from 'postgres'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { debianProgram } from '../fakes/debian-package.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { startPostgres } from '../fakes/postgres.ts'
import { startRoute } from '../fakes/postgres-route.ts'
import { query } from '../fakes/query.ts'
import { revoke } from '../fakes/requests.ts'
import { runToEnd } from '../fakes/run-to-end.ts'
import { runBroker } from '../fakes/running-broker.ts'

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
  const seen = await query(admin, `SELECT count(*)::int AS n FROM orders`)
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
  await assert.rejects(query(urlWith(token), 'SELECT 3'), /not accepted/)
  const { entries } = await exportedLog(site.config)
  const route = entries.filter(({ type }) => String(type).startsWith('route.'))
  assert.deepEqual(
    route.map(({ type }) => type),
    ['route.admitted', 'route.refused'],
  )
})

test('psql, pg_dump and pgbench work through it, by their own ways of speaking the protocol', async (t) => {
  // Debian's pg_dump takes no server that is newer than itself.
  const installed = '/usr/lib/postgresql/15'
  debianProgram(`${installed}/bin/postgres`, 'postgresql-15')
  const server = await startPostgres({}, installed)
  atEnd(t, () => server.stop())
  const { get, place, base } = await startRoute(t, { on: await server.createDatabase() })
  const { token } = await get()
  const client = (name: string) => debianProgram(`/usr/bin/${name}`, 'postgresql-client')
  const env = {
    ...{ PATH: process.env['PATH'], PGHOST: place.hostname, PGPORT: place.port, PGUSER: 'job' },
    ...{ PGPASSWORD: token, PGDATABASE: base, LC_ALL: 'C' },
  }
  const run = (name: string, ...words: string[]) => runToEnd(client(name), words, { env })
  const load =
    "CREATE TABLE lines (n int, t text)\n;\\copy lines FROM PROGRAM 'seq 1 5000 | sed s/$/,x/' WITH (FORMAT csv)\n"
  const loaded = await runToEnd(client('psql'), ['-v', 'ON_ERROR_STOP=1', '-q'], { env, input: load })
  assert.equal(loaded.code, 0, loaded.stderr)
  const listed = await run('psql', '-At', '-c', '\\d lines', '-c', 'SELECT count(*) FROM lines')
  assert.equal(listed.stdout, 'n|integer|||\nt|text|||\n5000\n', listed.stderr)
  const dump = await run('pg_dump', '--table=lines')
  assert.equal(dump.code, 0, dump.stderr)
  assert.match(dump.stdout, /COPY public\.lines \(n, t\) FROM stdin;\n1\tx\n/)
  assert.equal(dump.stdout.match(/\tx$/gm)?.length, 5000)
  const begun = await run('pgbench', '-i', '-q', '-s', '1', '--init-steps=dtGvp')
  assert.equal(begun.code, 0, begun.stderr)
  for (const mode of ['simple', 'extended', 'prepared']) {
    const done = await run('pgbench', '-n', '-M', mode, '-c', '4', '-t', '25')
    assert.match(done.stdout, /processed: 100\/100/, `${mode}: ${done.stderr}`)
  }
})

test('a statement that runs is cancelled by psql, and nothing by a key that nobody was given', async (t) => {
  const { admin, get, place, urlWith } = await startRoute(t)
  const { token } = await get()
  const client = new pg.Client({ connectionString: urlWith(token) })
  await client.connect()
  const running = client.query('SELECT pg_sleep(60)')
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const cancel = async (pid: number, key: number) => {
    const socket = connect(Number(place.port), place.hostname)
    const request = Buffer.alloc(16)
    for (const [at, value] of [16, 80_877_102, pid, key].entries()) request.writeInt32BE(value, at * 4)
    socket.end(request)
    socket.resume()
    await once(socket, 'close')
  }
  const cancelled = assert.rejects(running, /canceling statement due to user request/)
  await cancel(processID, secretKey ^ 1)
  await cancel(processID ^ 1, secretKey)
  // The server looks at what was asked to end between two looks of ours: time enough for it to have done so.
  const still = await query(
    admin,
    `SELECT pg_sleep(0.3); SELECT state FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'`,
  )
  assert.deepEqual([still].flat().at(-1)?.rows, [{ state: 'active' }])
  await cancel(processID, secretKey)
  await cancelled
  assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1)
  await client.end()
})

test('notifications arrive while nothing is asked', async (t) => {
  const { get, urlWith, admin } = await startRoute(t)
  const { token } = await get()
  const client = new pg.Client({ connectionString: urlWith(token) })
  await client.connect()
  await client.query('LISTEN orders')
  const heard = once(client, 'notification')
  await query(admin, `NOTIFY orders, 'closed'`)
  const [message] = (await heard) as [pg.Notification]
  assert.equal(message.payload, 'closed')
  await client.end()
})

test('what is revoked at one replica is over at the other: the next statement does not run', async (t) => {
  const { get, urlWith, broker, site, admin } = await startRoute(t)
  const other = await runBroker(t, site.replica)
  const at = new URL(other.routes.find(({ name }) => name === 'orders-db')?.url ?? '')
  const { token, answer } = await get()
  const client = new pg.Client({ connectionString: urlWith(token, at) })
  client.on('error', () => {})
  await client.connect()
  await client.query('CREATE TABLE late (n int)')
  await revoke(broker.url, String(answer.body['access_token']))
  await assert.rejects(client.query('INSERT INTO late VALUES (1)'))
  assert.equal((await query(admin, 'SELECT count(*)::int AS n FROM late')).rows[0].n, 0)
  await assert.rejects(query(urlWith(token, at), 'SELECT 1'), /not accepted/)
})

test('over TLS in both ways, and not without it where the route has a certificate', async (t) => {
  const { key, cert } = selfSigned('127.0.0.1')
  const files = { 'route.key': key, 'route.pem': cert }
  const tls = ', tls: { certificate: { file: ./route.pem }, key: { file: ./route.key } }'
  const { get, urlWith, place, site } = await startRoute(t, { more: tls, files })
  const { token } = await get()
  await assert.rejects(query(urlWith(token), 'SELECT 1'), /TLS alone/)
  const trusted = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(site.folder, 'route.pem'))}`
  const { rows } = await query(urlWith(token) + trusted, 'SELECT 1 AS one')
  assert.deepEqual(rows, [{ one: 1 }])
  for (const [protocols, agreed] of [
    [['postgresql'], true],
    [['http/1.1'], false],
    [undefined, false],
  ] as const) {
    const socket = connectTls({
      host: place.hostname,
      port: Number(place.port),
      ca: cert,
      ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    })
    socket.on('error', () => {})
    const startup = Buffer.from('\0\0\0\x13\0\x03\0\0user\0job\0\0', 'latin1')
    startup[3] = startup.length
    socket.once('secureConnect', () => socket.write(startup))
    // An error of TLS ends in `close` too.
    const said = await new Promise<string>((resolve) => {
      socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')))
      socket.once('close', () => resolve(''))
    })
    assert.equal(said.startsWith('R'), agreed, String(protocols))
    socket.destroy()
  }
})
