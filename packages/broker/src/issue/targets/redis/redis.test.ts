import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { redisCli, startRedis } from '../../../../../../test/fakes/redis.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { openRedisTarget, type RedisConnection } from './redis.ts'
import { redisUserSettings } from './settings.ts'

const server = await startRedis()
after(() => server.stop())

const open = (url = server.broker, over: Partial<RedisConnection> = {}, name = 'staging') =>
  openRedisTarget({
    connections: {
      [name]: { url: new Secret(url), save: false, dangerously_allow_plaintext: false, ...over },
    },
    tools: { randomBytes },
  })

function grantOf(over: Partial<Grant> = {}): Grant {
  const now = Math.floor(Date.now() / 1000)
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
    target: 'cache',
    kind: 'redis_user',
    settings: { server: 'staging', rules: ['~app:*', '+@read', '+set', '+blpop', '+ping', '+subscribe'] },
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
  const { output, errors } = await redisCli(urlOf(credential), 'PING')
  if (output.trim() === 'PONG') return true
  assert.match(output + errors, /WRONGPASS|NOAUTH/)
  return false
}

const usersOfMayfly = async () =>
  (await redisCli(server.admin, 'ACL', 'USERS')).output.split('\n').filter((name) => /^mayfly/.test(name))

async function issued(grant = grantOf(), target = open()) {
  const handle = target.prepare(grant)
  const credential = await target.issue(grant, handle)
  return { credential, url: urlOf(credential), end: () => target.revoke?.(handle), handle, grant }
}

testTarget('redis_user', { open: async () => open(), grant: grantOf, works: signsIn })

test('a lease may do what the rules say, and nothing else', async () => {
  const { url, end } = await issued()
  assert.equal((await redisCli(url, 'SET', 'app:1', 'x')).output.trim(), 'OK')
  assert.equal((await redisCli(url, 'GET', 'app:1')).output.trim(), 'x')
  for (const words of [
    ['GET', 'other:1'],
    ['DEL', 'app:1'],
    ['SUBSCRIBE', 'news'],
    ['ACL', 'WHOAMI'],
  ])
    assert.match((await redisCli(url, ...words)).errors, /NOPERM/, words.join(' '))
  await end()
  assert.deepEqual(await usersOfMayfly(), [])
})

test('a lease with every command still cannot make an access that stays', async () => {
  const { url, end } = await issued(
    grantOf({ settings: { server: 'staging', rules: ['~*', '&*', '+@all', '+acl'] } }),
  )
  for (const words of [
    ['ACL', 'SETUSER', 'stays', 'on', 'nopass'],
    ['CONFIG', 'SET', 'requirepass', ''],
    ['REPLICAOF', '127.0.0.1', '1'],
  ])
    assert.match((await redisCli(url, ...words)).errors, /NOPERM/, words.join(' '))
  await end()
})

test('the end of a lease closes its connections, also one that waits', async () => {
  const { credential, end } = await issued()
  const { host, port, user, password } = credential.parts ?? {}
  assert.ok(password instanceof Secret)
  const socket = connect({ host: String(host), port: Number(port) })
  socket.on('error', () => undefined)
  socket.write(`AUTH ${user} ${password.reveal()}\r\nPING\r\nBLPOP app:none 0\r\n`)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  while (!text.includes('PONG')) await once(socket, 'data')
  const closed = once(socket, 'close')
  await end()
  await closed
})

test('rules of signing in, and what is no rule, are not settings', () => {
  const fine = ['~app:*', '%R~app:*', '%RW~a', '&news', '+get', '-@dangerous', '+config|get', '+@all']
  assert.ok(redisUserSettings.safeParse({ server: 's', rules: fine }).success)
  const refused = [
    'nopass',
    '>word',
    '<word',
    '#aa',
    '!aa',
    'on',
    'off',
    'reset',
    'resetpass',
    'allkeys',
    '~a b',
  ]
  for (const rule of [
    ...refused,
    '~',
    '+get\r\nX',
    '',
    '(+get ~a)',
    'resetkeys',
    'allcommands',
    'sanitize-payload',
  ])
    assert.ok(!redisUserSettings.safeParse({ server: 's', rules: [rule] }).success, rule)
})

test('a rule that the server does not know is refused for good and leaves nothing', async () => {
  const grant = grantOf({ settings: { server: 'staging', rules: ['~app:*', '+nosuchcommand'] } })
  await assert.rejects(issued(grant), { code: 'target_refused', reason: /does not take a rule/ })
  assert.deepEqual(await usersOfMayfly(), [])
})

test('a user that somebody saved does not come back with a restart', async () => {
  const { credential, end } = await issued(grantOf(), open(server.broker, { save: true }))
  await redisCli(server.admin, 'ACL', 'SAVE')
  await end()
  await server.restart()
  assert.equal(await signsIn(credential), false)
})

test('a handle is enough when the connection is gone, and when its name means another server', async () => {
  for (const later of [open(server.broker, {}, 'renamed'), open('redis://broker:wrong@127.0.0.1:1/0')]) {
    const { credential, handle } = await issued()
    await later.revoke?.(handle)
    assert.equal(await signsIn(credential), false)
  }
})

test('what the configuration gets wrong is refused, and says no secret', async () => {
  for (const url of [
    'redis://broker:secret-word@db.example:6379',
    'http://broker:secret-word@127.0.0.1',
    'no',
  ]) {
    assert.throws(
      () => open(url).prepare(grantOf()),
      (thrown: { code?: string; reason?: string }) => {
        assert.equal(thrown.code, 'target_refused')
        assert.doesNotMatch(String(thrown.reason), /secret-word/)
        return true
      },
    )
  }
  open('redis://a:b@db.example', { dangerously_allow_plaintext: true }).prepare(grantOf())
  open('rediss://a:b@db.example').prepare(grantOf())
  const wrong = server.broker.replace(/:[0-9a-f]{32}@/, ':secret-word@')
  await assert.rejects(issued(grantOf(), open(wrong)), {
    code: 'provider_unavailable',
    reason: 'Redis: it says WRONGPASS',
  })
  const lease = await issued(grantOf({ settings: { server: 'staging', rules: ['+ping'] } }))
  await assert.rejects(issued(grantOf(), open(lease.url)), { code: 'target_refused', reason: /NOPERM/ })
  await lease.end()
})

/** A server that answers every chunk with what `say` returns. */
async function badServer(t: TestContext, say: (socket: Socket) => void): Promise<string> {
  const bad = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => say(socket))
  }).listen(0, '127.0.0.1')
  await once(bad, 'listening')
  t.after(() => bad.close())
  const at = bad.address()
  return `redis://u:secret-word@127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`
}

test('a server that fails is unavailable, and never taken for one that did it', async (t) => {
  const answers: readonly [(socket: Socket) => void, RegExp][] = [
    [(socket) => socket.end(), /closed the connection/],
    [(socket) => socket.destroy(), /closed the connection/],
    [(socket) => socket.end('+OK'), /closed the connection/],
    [(socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'), /not what was asked/],
    [(socket) => socket.write('x'.repeat(9_000)), /too long/],
    [(socket) => socket.write('-LOADING secret-word\r\n'), /it says LOADING$/],
    [(socket) => socket.write('-ERR secret-word\r\n'), /it says ERR$/],
  ]
  for (const [say, reason] of answers) {
    const target = open(await badServer(t, say))
    const handle = target.prepare(grantOf())
    await assert.rejects(async () => target.revoke?.(handle), { code: 'provider_unavailable', reason })
  }
  await assert.rejects(issued(grantOf(), open('redis://u:p@127.0.0.1:1')), { reason: /ECONNREFUSED/ })
})

test('a server that says nothing is given up after a time', async (t) => {
  const target = open(await badServer(t, () => undefined))
  await assert.rejects(target.issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: /in time/,
  })
})
