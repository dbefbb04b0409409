/** Statements of a job are in the log, each with its rows, its error or its end, in the order in which they ran. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import postgres from 'postgres'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { startRoute } from '../fakes/postgres-route.ts'
import { query } from '../fakes/query.ts'

interface StatementEntry {
  readonly id: string
  readonly type: string
  readonly request?: string
  readonly carried?: { readonly text: string }
  readonly outcome?: { readonly rows?: number; readonly error?: string; readonly cut?: true }
}

async function told(config: string) {
  const { text, entries } = await exportedLog(config)
  const requests = entries.filter(({ type }) => type.startsWith('route.')) as StatementEntry[]
  const answers = new Map(requests.map(({ request, outcome }) => [request, outcome]))
  const lines = requests
    .filter(({ type }) => type === 'route.request')
    .map(
      ({ id, carried, outcome = answers.get(id) }) =>
        `${carried?.text}: ${outcome?.error ?? outcome?.rows ?? '-'}${outcome?.cut === true ? ' cut' : ''}`,
    )
  return { text, lines, requests, entries }
}

async function connected(t: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  atEnd(t, () => client.end())
  return client
}

const secret = 'S3cret-of-a-customer'

for (const record of ['best_effort', 'required'])
  test(`${record}: simple, prepared and pipelined statements, errors and COPY are told with their rows`, async (t) => {
    const { broker, site, get, urlWith } = await startRoute(t, { record })
    const { token } = await get()
    const client = await connected(t, urlWith(token))
    await client.query(`CREATE TABLE kept_${record} (id int PRIMARY KEY, note text)`)
    await client.query(`INSERT INTO kept_${record} VALUES (1, '${secret}'), (2, 'b'); SELECT 5`)
    const byId = { name: 'by-id', text: `SELECT note FROM kept_${record} WHERE id >= $1` }
    assert.equal((await client.query({ ...byId, values: [1] })).rows.length, 2)
    assert.equal((await client.query({ ...byId, values: [2] })).rows.length, 1)
    await assert.rejects(client.query(`SELECT '${secret}' FROM nowhere`), /does not exist/)
    await assert.rejects(client.query(`SELECT 1 / $1::int`, [0]), /division/)
    await client.query('SELECT 1')
    const sql = postgres(urlWith(token), { max: 1, onnotice: () => {} })
    await Promise.all(Array.from({ length: 10 }, (_, i) => sql`SELECT ${i}::int AS i`))
    const copy = await sql.unsafe(`COPY kept_${record} FROM STDIN`).writable()
    await new Promise<void>((resolve, reject) =>
      copy.on('error', reject).on('finish', resolve).end(`7\t${secret}\n`),
    )
    await sql`DELETE FROM ${sql(`kept_${record}`)}`
    await sql.end()
    await client.end()
    await broker.close()
    const { text, lines } = await told(site.config)
    const own = lines.filter((line) => !/pg_catalog|pg_type/.test(line))
    assert.deepEqual(own.slice(0, 7), [
      `CREATE TABLE kept_${record} (id int PRIMARY KEY, note text): -`,
      `INSERT INTO kept_${record} VALUES (?, ...), ...; SELECT ?: 3`,
      `SELECT note FROM kept_${record} WHERE id >= $1: 2`,
      `SELECT note FROM kept_${record} WHERE id >= $1: 1`,
      'SELECT ? FROM nowhere: 42P01',
      'SELECT ? / $1::int: 22012',
      'SELECT ?: 1',
    ])
    assert.equal(own.filter((line) => line === 'SELECT $1::int AS i: 1').length, 10)
    assert.deepEqual(
      own.slice(-2).map((line) => line.replaceAll(/ +/g, ' ')),
      [`COPY kept_${record} FROM STDIN: 1`, `DELETE FROM "kept_${record}": 3`],
    )
    for (const hidden of [secret, token]) assert.ok(!text.includes(hidden))
    const file = join(site.folder, 'log.jsonl')
    writeFileSync(file, text)
    const lease = /"lease":"(ls_[a-z0-9]+)"/.exec(text)?.[1] ?? ''
    const shown = (await mayfly(['audit', 'show', '--log', file, '--lease', lease])).stdout
    assert.match(shown, /at orders-db: SELECT note FROM \S+ WHERE id >= \$1 -> 2 rows, \d+ ms/)
    assert.match(shown, /at orders-db: SELECT \? FROM nowhere -> error 42P01/)
    assert.doesNotMatch(shown, /no answer in the log|an answer to/)
  })

test('required: a statement that cannot be written down does not reach the server', async (t) => {
  const { admin, site, get, urlWith } = await startRoute(t, { record: 'required' })
  await query(admin, 'CREATE TABLE counted (n int); GRANT ALL ON counted TO migrator')
  const client = await connected(t, urlWith((await get()).token))
  await client.query('INSERT INTO counted VALUES (1)')
  const database = new DatabaseSync(join(site.folder, 'mayfly.db'))
  atEnd(t, () => database.close())
  database.exec("CREATE TRIGGER no BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
  await assert.rejects(client.query('INSERT INTO counted VALUES ($1)', [2]))
  database.exec('DROP TRIGGER no')
  assert.deepEqual((await query(admin, 'SELECT n FROM counted')).rows, [{ n: 1 }])
})

test('a statement that is refused has an entry without its constants, also where it cannot be parsed', async (t) => {
  const scopes = ', scopes: { read: { access: read, statements: ["SELECT public.orders"] } }'
  const { site, broker, get, urlWith } = await startRoute(t, { record: 'best_effort', target: scopes })
  const client = await connected(t, urlWith((await get()).token))
  for (const text of [
    `SELECT 'a' '${secret}'`,
    `ALTER ROLE a PASSWORD "${secret}`,
    `ALTER ROLE a PASSWORD ${secret}`,
    `SELECT * FROM customers WHERE name = '${secret}'`,
    `SELECT set_config('a.b', '${secret}', false)`,
  ])
    await assert.rejects(client.query(text), /does not allow/, text)
  assert.equal((await client.query(`SELECT '${secret}' AS a`)).rows[0].a, secret)
  await client.end()
  await broker.close()
  const { text, entries, lines } = await told(site.config)
  assert.equal(entries.filter(({ type }) => type === 'route.refused').length, 5)
  assert.ok(!text.includes(secret) && !text.includes('S3cret'))
  assert.deepEqual(lines, ['SELECT ? AS a: 1'])
})

test('a session that began without a record ends when the policy asks for one', async (t) => {
  const { site, broker, get, urlWith } = await startRoute(t)
  const client = await connected(t, urlWith((await get()).token))
  await client.query('SELECT 1')
  const path = join(site.folder, 'policies/site.policy.yaml')
  writeFileSync(path, readFileSync(path, 'utf8').replace('record: refusals', 'record: required'))
  await broker.reloadPolicy()
  await assert.rejects(client.query('SELECT 2'), /permission of this session is over|terminated|ended/)
  const again = await connected(t, urlWith((await get()).token))
  assert.equal((await again.query('SELECT 2 AS n')).rows[0].n, 2)
})
