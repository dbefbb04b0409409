import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import pg from 'pg'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { database } from '../../../../../../test/fakes/postgres-for.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { openPostgresTarget, type PostgresConnection } from './postgres.ts'

const tools = { randomBytes }
const now = () => Math.floor(Date.now() / 1000)

const admin = await database()
await asAdmin('CREATE ROLE app NOLOGIN; CREATE SCHEMA shop AUTHORIZATION app; CREATE ROLE reader NOLOGIN')

async function asAdmin(text: string, url = admin): Promise<pg.QueryResult> {
  return withClient(url, (client) => client.query(text))
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

const open = (url = admin, name = 'staging', over: Partial<PostgresConnection> = {}) =>
  openPostgresTarget({
    connections: { [name]: { url: new Secret(url), max_connections_per_lease: 3, ...over } },
    tools,
    tokens: {
      issue: async () => ({
        token: new Secret('a token of ours'),
        issuedTokenType: 't',
        tokenType: 'Bearer',
      }),
    },
  })

function grantOf(over: Partial<Grant> = {}): Grant {
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
    target: 'orders-db',
    kind: 'postgres_role',
    settings: { server: 'staging', role: ['app', 'reader'], schema: 'shop' },
    scopes: [],
    issuedAt: now(),
    expiresAt: now() + 600,
    ...over,
  }
}

function urlOf({ parts }: Credential): string {
  const url = parts?.['url']
  assert.ok(url instanceof Secret)
  return url.reveal()
}

const signsIn = (credential: Credential) =>
  withClient(urlOf(credential), async () => true).catch((thrown: unknown) => {
    assert.match(String(thrown), /password authentication failed|does not exist|not permitted to log in/)
    return false
  })

const rolesOfMayfly = async () =>
  (await asAdmin(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'mayfly%'`)).rowCount

testTarget('postgres_role', { open: async () => open(), grant: grantOf, works: signsIn })

test('a lease has the rights of its roles, and what it made is left to the first of them', async () => {
  const target = open()
  const grant = grantOf()
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  await withClient(urlOf(credential), (client) =>
    client.query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)'),
  )
  await target.revoke?.(handle)
  const { rows } = await asAdmin(`SELECT tableowner, schemaname FROM pg_tables WHERE tablename = 'kept'`)
  assert.deepEqual(rows, [{ tableowner: 'app', schemaname: 'shop' }])
  assert.equal((await asAdmin('SELECT FROM shop.kept')).rowCount, 1)
  await asAdmin('DROP TABLE shop.kept')
})

test('the end of a lease ends its sessions, in the middle of a statement too', async () => {
  const target = open()
  const grant = grantOf()
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  await withClient(urlOf(credential), async (client) => {
    const running = assert.rejects(client.query('SELECT pg_sleep(60)'), /terminat|Connection/)
    await target.revoke?.(handle)
    await running
  })
  assert.equal(await rolesOfMayfly(), 0)
})

test('what a lease made in other databases is given away there', async () => {
  const other = await database()
  await asAdmin('GRANT CREATE ON SCHEMA public TO app', other)
  const target = open()
  const grant = grantOf()
  const handle = target.prepare(grant)
  const url = new URL(urlOf(await target.issue(grant, handle)))
  url.pathname = new URL(other).pathname
  await asAdmin(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO app`, other)
  await withClient(url.href, (client) => client.query('CREATE TABLE public.elsewhere ()'))
  await target.revoke?.(handle)
  const { rows } = await asAdmin(`SELECT tableowner FROM pg_tables WHERE tablename = 'elsewhere'`, other)
  assert.deepEqual(rows, [{ tableowner: 'app' }])
})

test('a role that may create roles is enough; it need not be a superuser', async () => {
  const password = randomBytes(12).toString('hex')
  await asAdmin(
    `CREATE ROLE broker LOGIN CREATEROLE PASSWORD '${password}'; GRANT app, reader TO broker WITH ADMIN OPTION`,
  )
  const url = new URL(admin)
  url.username = 'broker'
  url.password = password
  const target = open(url.href)
  const grant = grantOf()
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  await withClient(urlOf(credential), async (client) => {
    await client.query('CREATE TABLE made ()')
    await target.revoke?.(handle)
  })
  assert.equal(await signsIn(credential), false)
  assert.equal(
    (await asAdmin(`SELECT FROM pg_tables WHERE tablename = 'made' AND tableowner = 'app'`)).rowCount,
    1,
  )
})

test('a handle is enough when the connection is gone, and when its name means another server', async () => {
  for (const later of [open(admin, 'renamed'), open('postgres://mayfly:wrong@127.0.0.1:1/none')]) {
    const grant = grantOf()
    const handle = open().prepare(grant)
    const credential = await open().issue(grant, handle)
    await later.revoke?.(handle)
    assert.equal(await signsIn(credential), false)
    assert.equal(await rolesOfMayfly(), 0)
  }
})

test('a lease that expires is refused by the server itself', async () => {
  const credential = await open().issue(grantOf({ expiresAt: now() - 1 }), null)
  assert.equal(await signsIn(credential), false)
})

test('a role that is not there is refused for good, and a server that does not answer for now', async () => {
  const unknown = grantOf({ settings: { server: 'staging', role: 'nobody_has_it' } })
  await assert.rejects(open().issue(unknown, null), {
    code: 'target_refused',
    reason: /not on the server \(42704\)/,
  })
  const dead = open('postgres://mayfly:secret-word@127.0.0.1:1/none')
  await assert.rejects(dead.issue(grantOf(), null), (thrown: Error) => {
    assert.match(thrown.message, /PostgreSQL: it says ECONNREFUSED/)
    assert.doesNotMatch(thrown.message, /secret-word/)
    return true
  })
  for (const settings of [
    { server: 'elsewhere', role: 'app' },
    { server: 'staging', role: 'App"; DROP' },
    'app',
  ]) {
    assert.throws(() => open().prepare(grantOf({ settings })), { code: 'target_refused' })
  }
  assert.equal(await rolesOfMayfly(), 1, 'only the expired one of the test before')
})

test('what was cut off at any point is taken back by the next call', async () => {
  const grant = grantOf()
  const target = open()
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  const role = String(credential.parts?.['user'])
  for (const done of [
    `ALTER ROLE ${role} NOLOGIN`,
    `GRANT ${role} TO CURRENT_USER`,
    `REASSIGN OWNED BY ${role} TO app`,
  ]) {
    await asAdmin(done)
  }
  await target.revoke?.(handle)
  await target.revoke?.(handle)
  assert.equal(await signsIn(credential), false)
})

const templates = {
  create_statements: [
    'CREATE ROLE {{name}} LOGIN PASSWORD {{password}} VALID UNTIL {{until}} IN ROLE {{roles}}',
    "COMMENT ON ROLE {{name}} IS 'of a job'",
  ],
  drop_statements: ["SELECT register('ended')", "COMMENT ON ROLE {{name}} IS 'ended'"],
}

test("statements of the connection make the role, and ours drop it after the connection's", async () => {
  await asAdmin(`CREATE TABLE public.ended (word text, roles bigint);
    CREATE FUNCTION public.register(word text) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO public.ended SELECT word, count(*) FROM pg_roles WHERE rolname LIKE 'mayfly%' AND NOT rolcanlogin $$`)
  const target = open(admin, 'staging', templates)
  const grant = grantOf()
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  await withClient(urlOf(credential), (client) => client.query('CREATE TABLE shop.custom ()'))
  assert.equal((await asAdmin(`SELECT FROM pg_shdescription WHERE description = 'of a job'`)).rowCount, 1)
  await target.revoke?.(handle)
  await target.revoke?.(handle)
  assert.equal(await signsIn(credential), false)
  assert.deepEqual((await asAdmin('SELECT * FROM public.ended')).rows, [{ word: 'ended', roles: '1' }])
})

test('a statement of the connection that fails keeps no role from being dropped, and is said once', async () => {
  const target = open(admin, 'staging', { ...templates, drop_statements: ['SELECT nothing_such({{roles}})'] })
  const grant = grantOf()
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  await assert.rejects(async () => target.revoke?.(handle), { code: 'target_refused', reason: /42601/ })
  assert.equal(await signsIn(credential), false)
  assert.equal(await rolesOfMayfly(), 1, 'only the expired one')
  await target.revoke?.(handle)
})

test('statements of the connection make a role with all that they say, or none', async () => {
  const broken = [...templates.create_statements, 'SELECT 1 / 0']
  const target = open(admin, 'staging', { create_statements: broken })
  await assert.rejects(target.issue(grantOf(), null), { code: 'provider_unavailable', reason: /22012/ })
  assert.equal(await rolesOfMayfly(), 1, 'only the expired one')
})

test('a role that is used through a route keeps its password for the route; the job gets a token', async () => {
  const target = open()
  const grant = grantOf({ settings: { server: 'staging', role: 'app', audience: 'postgres://orders' } })
  const { token, parts, handle } = await target.issue(grant, target.prepare(grant))
  assert.equal(token.reveal(), 'a token of ours')
  assert.deepEqual(Object.keys(parts ?? {}), ['database', 'user', 'password'])
  assert.equal(parts?.['password'], token)
  const sealed = handle?.() as { password: string; role: string; url: string }
  const url = new URL(sealed.url)
  url.username = sealed.role
  url.password = sealed.password
  await withClient(url.href, (client) => client.query('SELECT 1'))
  await target.revoke?.(sealed)
  await assert.rejects(withClient(url.href, (client) => client.query('SELECT 1')))
})
