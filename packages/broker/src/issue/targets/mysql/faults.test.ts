import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import { mysqlClient, startMariadb } from '../../../../../../test/fakes/mariadb.ts'
import { mysqlStandIn } from '../../../../../../test/fakes/mysql-stand-in.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import { type MysqlConnection, openMysqlTarget } from './mysql.ts'

const server = await startMariadb()
after(() => server.stop())

const open = (url = server.broker, over: Partial<MysqlConnection> = {}) =>
  openMysqlTarget({
    connections: {
      staging: {
        url: new Secret(url),
        dangerously_allow_plaintext: false,
        max_connections_per_lease: 3,
        ...over,
      },
    },
    tools: { randomBytes },
  })

function grantOf(role: string | readonly string[] = ['migrator', 'reader']): Grant {
  const now = Math.floor(Date.now() / 1000)
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
    target: 'orders-db',
    kind: 'mysql_role',
    settings: { server: 'staging', role, schema: 'shop' },
    scopes: [],
    issuedAt: now,
    expiresAt: now + 600,
  }
}

const as = (sql: string) => mysqlClient(server.admin, sql)
const left = async () => (await as("SELECT user FROM mysql.user WHERE user LIKE 'mf\\_%'")).output

/** A way to the server that is cut when it answers the `n`th thing that a client sends. */
async function cutAt(t: TestContext, n: number) {
  let sent = 0
  const { port } = new URL(server.broker)
  const way = createServer((socket) => {
    const far = connect({ host: '127.0.0.1', port: Number(port) })
    for (const each of [socket, far]) each.on('error', () => undefined)
    socket.on('close', () => far.destroy())
    far.on('close', () => socket.destroy())
    let cut = false
    socket.on('data', (chunk) => {
      sent += 1
      cut ||= sent > n
      far.write(chunk)
    })
    far.on('data', (chunk) => (cut ? socket.destroy() : socket.write(chunk)))
  }).listen(0, '127.0.0.1')
  await once(way, 'listening')
  t.after(() => way.close())
  const url = new URL(server.broker)
  url.port = String((way.address() as AddressInfo).port)
  return { url: url.href, wasCut: () => sent > n }
}

test('whatever step of making an account is cut off, taking it back leaves nothing', async (t) => {
  let steps = 0
  for (; ; steps++) {
    const way = await cutAt(t, steps)
    const grant = grantOf()
    const handle = open().prepare(grant)
    const made = await open(way.url)
      .issue(grant, handle)
      .then(
        () => true,
        () => false,
      )
    await open().revoke?.(handle)
    assert.equal(await left(), '', `after step ${steps}`)
    if (made && !way.wasCut()) break
  }
  assert.ok(steps >= 9, `only ${steps}`)
})

test('whatever step of taking back is cut off, the next call leaves nothing', async (t) => {
  let steps = 0
  for (; ; steps++) {
    const way = await cutAt(t, steps)
    const grant = grantOf()
    const handle = open(way.url).prepare(grant)
    await open().issue(grant, open().prepare(grant))
    const ended = await Promise.resolve(open(way.url).revoke?.(handle)).then(
      () => true,
      () => false,
    )
    await open().revoke?.(open().prepare(grant))
    assert.equal(await left(), '', `after step ${steps}`)
    if (ended && !way.wasCut()) break
  }
  assert.ok(steps >= 8, `only ${steps}`)
})

test('who may not see or close the sessions of others is told so, and nothing is taken for ended', async () => {
  const url = new URL(server.broker)
  for (const [right, without] of [
    ['PROCESS', 'CREATE USER, CONNECTION ADMIN'],
    ['CONNECTION ADMIN', 'CREATE USER, PROCESS'],
    ['CREATE USER', 'PROCESS, CONNECTION ADMIN'],
  ]) {
    url.username = `less_${String(right).toLowerCase().replace(' ', '_')}`
    await as(`CREATE USER ${url.username}@'%' IDENTIFIED BY '${url.password}';
      GRANT ${without} ON *.* TO ${url.username}@'%'`)
    const grant = grantOf('migrator')
    const handle = open().prepare(grant)
    const credential = await open().issue(grant, handle)
    const given = credential.parts?.['url']
    assert.ok(given instanceof Secret)
    const session = mysqlClient(given.reveal(), 'SELECT SLEEP(60)')
    const seen = `SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'`
    while ((await as(seen)).output.trim() !== '1');
    const less = open(url.href)
    await assert.rejects(async () => less.revoke?.(less.prepare(grant)), {
      code: 'target_refused',
      reason: /it needs CREATE USER, PROCESS, CONNECTION ADMIN/,
    })
    await open().revoke?.(handle)
    await session
  }
})

test("a wrong password is the connection's fault, and nobody reads it", async () => {
  const wrong = open(server.broker.replace(/:[0-9a-f]{32}@/, ':secret-word@'))
  await assert.rejects(wrong.issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: 'MySQL: it says ER_ACCESS_DENIED_ERROR',
  })
  await assert.rejects(open('mysql://u:secret-word@127.0.0.1:1').issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: 'MySQL: it says ECONNREFUSED',
  })
})

test('what the configuration gets wrong is refused, and says no secret', () => {
  const faults: readonly (readonly [string, Partial<MysqlConnection>, RegExp])[] = [
    ['postgres://b:secret-word@127.0.0.1', {}, /not a mysql/],
    ['no', {}, /not a mysql/],
    ['mysql://b:secret-word@127.0.0.1?ssl=false', {}, /options/],
    ['mysql://b:secret-word@db.example', { tls: false }, /dangerously_allow_plaintext/],
    ['mysql://b:secret-word@192.0.2.1', {}, /the name that the server's certificate has/],
  ]
  for (const [url, over, reason] of faults)
    assert.throws(
      () => open(url, over).prepare(grantOf()),
      (thrown: { code?: string; reason?: string }) => {
        assert.equal(thrown.code, 'target_refused')
        assert.match(String(thrown.reason), reason)
        assert.doesNotMatch(String(thrown.reason), /secret-word/)
        return true
      },
    )
  open('mysql://b:c@db.example').prepare(grantOf())
  open('mysql://b:c@db.example', { tls: false, dangerously_allow_plaintext: true }).prepare(grantOf())
})

/** A server that answers everything, its greeting too, with what `say` does. */
async function badServer(t: TestContext, say: (socket: Socket) => void): Promise<string> {
  const bad = createServer((socket) => {
    socket.on('error', () => undefined)
    say(socket)
  }).listen(0, '127.0.0.1')
  await once(bad, 'listening')
  t.after(() => bad.close())
  return `mysql://u:secret-word@127.0.0.1:${(bad.address() as AddressInfo).port}`
}

test('a server that fails is unavailable, and never taken for one that did it', async (t) => {
  for (const say of [
    (socket: Socket) => socket.end(),
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'),
    (socket: Socket) => socket.end(Buffer.from([9, 0, 0, 0, 0xff, 0x10, 4, ...Buffer.from('secret')])),
    (socket: Socket) => socket.end(Buffer.from([5, 0, 0, 0, 10, 56, 0, 1, 0])),
    (socket: Socket) => socket.write(Buffer.alloc(2_000_000, 'x')),
  ]) {
    const target = open(await badServer(t, say))
    await assert.rejects(
      async () => target.revoke?.(target.prepare(grantOf())),
      (thrown: { code?: string; reason?: string }) => {
        assert.equal(thrown.code, 'provider_unavailable')
        assert.doesNotMatch(String(thrown.reason), /secret/)
        return true
      },
    )
  }
})

test('a server that says nothing, or no more, is given up after a time', async (t) => {
  const silent = open(await badServer(t, () => undefined))
  const stuck = await mysqlStandIn(t, (statement) => (/^ALTER/.test(statement) ? -1 : undefined))
  const half = open(stuck.url)
  await Promise.all([
    assert.rejects(silent.issue(grantOf(), null), { code: 'provider_unavailable', reason: /in time/ }),
    assert.rejects(async () => half.revoke?.(half.prepare(grantOf())), {
      code: 'provider_unavailable',
      reason: /in time/,
    }),
  ])
})

test('MySQL is spoken to in its own words', async (t) => {
  const mysql = await mysqlStandIn(t)
  const grant = grantOf()
  const name = `\`mf_${grant.leaseId}\`@\`%\``
  assert.ok(`mf_${grant.leaseId}`.length <= 32)
  const target = open(mysql.url)
  const credential = await target.issue(grant, null)
  assert.deepEqual(mysql.statements.slice(1), [
    `CREATE USER ${name} IDENTIFIED BY '${credential.token.reveal()}' WITH MAX_USER_CONNECTIONS 3`,
    `GRANT \`migrator\`, \`reader\` TO ${name}`,
    `SET DEFAULT ROLE \`migrator\`, \`reader\` TO ${name}`,
  ])
  await target.revoke?.(target.prepare(grant))
  const ended = mysql.statements.slice(4).filter((statement) => !/^SELECT/.test(statement))
  assert.deepEqual(ended, [`ALTER USER IF EXISTS ${name} ACCOUNT LOCK`, `DROP USER IF EXISTS ${name}`])
  assert.match(mysql.statements.at(-1) ?? '', /processlist/, 'a session may have been opened meanwhile')
})

test('what the server refuses for good is said without the words of the server', async (t) => {
  for (const [error, reason] of [
    [4006, /locked and its sessions are closed.*definer/],
    [1227, /it needs CREATE USER/],
  ] as const) {
    const mysql = await mysqlStandIn(t, (statement) => (/^DROP/.test(statement) ? error : undefined))
    const target = open(mysql.url)
    await assert.rejects(async () => target.revoke?.(target.prepare(grantOf())), {
      code: 'target_refused',
      reason,
    })
  }
})
