import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { mysqlClient, startMariadb } from '../../../../../../test/fakes/mariadb.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { type MysqlConnection, openMysqlTarget } from './mysql.ts'

const server = await startMariadb('--log-bin', '--server-id=1')
after(() => server.stop())

const open = (url = server.broker, over: Partial<MysqlConnection> = {}, name = 'staging') =>
  openMysqlTarget({
    connections: {
      [name]: {
        url: new Secret(url),
        dangerously_allow_plaintext: false,
        max_connections_per_lease: 3,
        ...over,
      },
    },
    tools: { randomBytes },
  })

function grantOf(over: Partial<Grant> = {}): Grant {
  const now = Math.floor(Date.now() / 1000)
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
    target: 'orders-db',
    kind: 'mysql_role',
    settings: { server: 'staging', role: ['migrator', 'reader'], schema: 'shop' },
    scopes: [],
    issuedAt: now,
    expiresAt: now + 600,
    ...over,
  }
}

function urlOf({ parts }: Credential): string {
  const url = parts?.['url']
  assert.ok(url instanceof Secret)
  return url.reveal()
}

async function signsIn(credential: Credential): Promise<boolean> {
  const { code, errors } = await mysqlClient(urlOf(credential), 'SELECT 1')
  if (code === 0) return true
  assert.match(errors, /Access denied|account is locked/)
  return false
}

/** What there is of our leases: accounts and roles. */
const left = async () =>
  (await mysqlClient(server.admin, "SELECT user FROM mysql.user WHERE user LIKE 'mf\\_%'")).output

async function issued(grant = grantOf(), target = open()) {
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  return { credential, url: urlOf(credential), end: async () => target.revoke?.(handle), handle }
}

testTarget('mysql_role', { open: async () => open(), grant: grantOf, works: signsIn })

test('a lease has the rights of all its roles from the start, and no others', async () => {
  for (const role of ['migrator', ['migrator', 'reader']]) {
    const { url, end } = await issued(grantOf({ settings: { server: 'staging', role, schema: 'shop' } }))
    const may = async (text: string) => (await mysqlClient(url, text)).errors
    assert.equal(await may('INSERT INTO orders VALUES (1); DELETE FROM orders'), '')
    assert[role === 'migrator' ? 'match' : 'doesNotMatch'](await may('SELECT * FROM reports.daily'), /denied/)
    assert.match(await may('SELECT * FROM mysql.user'), /denied/)
    assert.match(await may('CREATE USER stays IDENTIFIED BY "x"'), /denied/)
    await end()
  }
  assert.equal(await left(), '')
})

test('the end of a lease ends its sessions, in the middle of a statement too', async () => {
  const { url, end } = await issued()
  const running = mysqlClient(url, "SELECT 'begun'; SELECT SLEEP(60)")
  const seen = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
  while ((await mysqlClient(server.admin, seen)).output.trim() !== '1');
  await end()
  assert.notEqual((await running).code, 0)
})

test('a lease has no more sessions at once than the connection says', async () => {
  const { url, end } = await issued(grantOf(), open(server.broker, { max_connections_per_lease: 1 }))
  const first = mysqlClient(url, 'SELECT SLEEP(60)')
  const seen = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
  while ((await mysqlClient(server.admin, seen)).output.trim() !== '1');
  assert.match((await mysqlClient(url, 'SELECT 1')).errors, /max_user_connections/)
  await end()
  await first
})

test('a password stands in no log of the server', async () => {
  const { credential, end } = await issued()
  await end()
  assert.match(server.log(), /CREATE USER `mf_/)
  assert.ok(!server.log().includes(credential.token.reveal()))
})

test('what a lease leaves in its own name does nothing any more, and what it leaves in its role goes on', async () => {
  const { url, end } = await issued(
    grantOf({ settings: { server: 'staging', role: 'migrator', schema: 'shop' } }),
  )
  const made = `CREATE PROCEDURE own() SELECT * FROM orders;
    CREATE VIEW seen AS SELECT * FROM orders;
    CREATE DEFINER = CURRENT_ROLE PROCEDURE kept() SELECT * FROM orders`
  assert.equal((await mysqlClient(url, made)).errors, '')
  await end()
  for (const text of ['CALL own()', 'SELECT * FROM seen'])
    assert.match((await mysqlClient(server.admin, text)).errors, /1449.*definer/)
  assert.equal((await mysqlClient(server.admin, 'CALL kept()')).errors, '')
  await mysqlClient(server.admin, 'DROP PROCEDURE own; DROP PROCEDURE kept; DROP VIEW seen')
})

test('a handle is enough when the connection is gone, and when its name means another server', async () => {
  const elsewhere = 'mysql://broker:wrong@127.0.0.1:1/none'
  const wrong = server.broker.replace(/:[0-9a-f]{32}@/, ':wrong@')
  for (const later of [open(server.broker, {}, 'renamed'), open(elsewhere), open(wrong), open('no')]) {
    const { credential, handle } = await issued()
    await later.revoke?.(handle)
    assert.equal(await signsIn(credential), false)
    assert.equal(await left(), '')
  }
})

test('what the policy names and the server lacks is refused for good', async () => {
  for (const [role, reason] of [
    ['nobody_has_it', /not on the server \(1959\)/],
    ['elsewhere', /may not do this.*\(1698\)/],
    [['migrator', 'nobody_has_it'], /not on the server \(1959\)/],
  ] as const) {
    const target = open()
    const grant = grantOf({ settings: { server: 'staging', role } })
    await assert.rejects(target.issue(grant, null), { code: 'target_refused', reason })
    await target.revoke?.(target.prepare(grant))
  }
  for (const settings of [{ server: 'other', role: 'app' }, { server: 'staging', role: 'a`b' }, 'app'])
    assert.throws(() => open().prepare(grantOf({ settings })), { code: 'target_refused' })
  assert.equal(await left(), '')
})

const templates = {
  create_statements: [
    'CREATE USER {{name}} IDENTIFIED BY {{password}}',
    'GRANT SELECT ON shop.* TO {{name}}',
    "INSERT INTO reports.made VALUES ({{until}}, 'it''s')",
  ],
  drop_statements: ["INSERT INTO reports.made VALUES (NOW(), 'ended')"],
}

test("statements of the connection make the account, and ours drop it after the connection's", async () => {
  await mysqlClient(
    server.admin,
    "CREATE TABLE reports.made (at DATETIME, word TEXT); GRANT INSERT ON reports.* TO broker@'%'; GRANT SELECT ON shop.* TO broker@'%' WITH GRANT OPTION",
  )
  const { credential, end } = await issued(grantOf(), open(server.broker, templates))
  assert.equal((await mysqlClient(urlOf(credential), 'SELECT * FROM shop.orders')).errors, '')
  await end()
  await end()
  assert.equal(await signsIn(credential), false)
  const { output } = await mysqlClient(server.admin, 'SELECT word FROM reports.made')
  assert.equal(output, "it's\nended\n")
})

test('a statement of the connection that fails keeps no account from being dropped, and is said once', async () => {
  const over = { ...templates, drop_statements: ['REVOKE NOTHING SUCH FROM {{name}}'] }
  const { credential, end } = await issued(grantOf(), open(server.broker, over))
  await assert.rejects(end, { code: 'target_refused', reason: /does not understand a statement/ })
  assert.equal(await signsIn(credential), false)
  assert.equal(await left(), '')
  await end()
})
