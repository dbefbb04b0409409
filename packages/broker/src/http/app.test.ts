import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { goodForm, issued, listeningDoors, postForm, testTools } from '../../test/doors.ts'
import { silent } from '../base/tools.ts'
import { openDoors } from './app.ts'
import { table } from './routing.ts'

/** Sends bytes as they are and reads until the other side closes. */
async function raw(url: string, text: string): Promise<string> {
  const socket = await connected(url)
  socket.end(text)
  return readAll(socket)
}

async function connected(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  for await (const chunk of socket) text += chunk
  return text
}

test('an unknown path is 404, a known path with another method is 405 and says which', async () => {
  await using doors = await listeningDoors()
  assert.equal((await fetch(`${doors.url}/tokens`)).status, 404)
  assert.equal((await fetch(`${doors.url}/token/`)).status, 404)
  assert.equal((await fetch(`${doors.url}//token`, { method: 'POST' })).status, 404)
  for (const [path, method, allow] of [
    ['/token', 'GET', 'POST'],
    ['/token', 'PUT', 'POST'],
    ['/.well-known/jwks.json', 'POST', 'GET, HEAD'],
    ['/readyz', 'DELETE', 'GET, HEAD'],
  ] as const) {
    const response = await fetch(doors.url + path, { method })
    assert.equal(response.status, 405)
    assert.equal(response.headers.get('allow'), allow)
  }
})

test('HEAD answers as GET without a body', async () => {
  await using doors = await listeningDoors()
  const response = await fetch(`${doors.url}/.well-known/openid-configuration`, { method: 'HEAD' })
  assert.equal(response.status, 200)
  assert.equal(await response.text(), '')
})

test('doors that the configuration does not open are not there', async () => {
  await using doors = await listeningDoors()
  assert.equal((await fetch(`${doors.url}/audit/entries`)).status, 404)
  assert.equal((await fetch(`${doors.url}/webhooks/github`, { method: 'POST' })).status, 404)
})

test('every door has a name of its own and a limit for its body', () => {
  assert.equal(new Set(table.map((row) => row.name)).size, table.length)
  assert.equal(new Set(table.map((row) => `${row.method} ${row.path}`)).size, table.length)
  assert.ok(table.every((row) => row.bodyLimit <= 524_288))
})

test('an issuer with a path is found below it, at the root, and where RFC 8414 3.1 puts its discovery', async () => {
  await using doors = await listeningDoors({ url: 'https://example.com/mayfly' })
  for (const path of [
    '/mayfly/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/mayfly',
    '/.well-known/openid-configuration/mayfly',
    '/.well-known/openid-configuration',
  ]) {
    const body = (await (await fetch(doors.url + path)).json()) as Record<string, string>
    assert.equal(body['token_endpoint'], 'https://example.com/mayfly/token')
  }
  assert.equal((await postForm(`${doors.url}/mayfly/token`, goodForm)).status, 200)
})

test('a body above the limit is 413 and reaches nobody, with and without a length', async () => {
  await using doors = await listeningDoors()
  const big = `a=${'x'.repeat(17_000)}`
  assert.equal((await postForm(`${doors.url}/token`, big)).status, 413)
  const chunk = 'x'.repeat(4096)
  const chunks = `1000\r\n${chunk}\r\n`.repeat(5)
  const answer = await raw(
    doors.url,
    'POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n' +
      `Content-Type: application/x-www-form-urlencoded\r\n\r\n${chunks}0\r\n\r\n`,
  )
  assert.match(answer, /^HTTP\/1.1 413 /)
  assert.equal(doors.requests.length, 0)
})

test('a body that claims to be endless is answered before it comes, and the connection goes', async () => {
  await using doors = await listeningDoors()
  const socket = await connected(doors.url)
  socket.write('POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\na=1')
  const answer = await readAll(socket)
  assert.match(answer, /^HTTP\/1.1 413 /)
  assert.match(answer, /\r\nConnection: close\r\n/)
})

test('a body with both a length and chunks is refused by the parser', async () => {
  await using doors = await listeningDoors()
  const answer = await raw(
    doors.url,
    'POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  )
  assert.match(answer, /^HTTP\/1.1 400 /)
  assert.equal(doors.requests.length, 0)
})

test('a caller that goes away in the middle of its request reaches nobody', async () => {
  await using doors = await listeningDoors()
  const socket = await connected(doors.url)
  socket.write('POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\ngrant_type=')
  socket.destroy()
  assert.equal((await postForm(`${doors.url}/token`, goodForm)).status, 200)
  assert.equal(doors.requests.length, 1)
})

test('headers that do not end are cut off in time', async () => {
  await using doors = await listeningDoors({}, { headersMs: 50, requestMs: 100 })
  const socket = await connected(doors.url)
  socket.write('POST /token HTTP/1.1\r\nHost: a\r\nX-Slow: ')
  assert.match(await readAll(socket), /^HTTP\/1.1 408 /)
})

test('silent connections keep nobody out: the oldest of them is closed for who comes', async () => {
  await using doors = await listeningDoors({}, { connections: 4 })
  const silent = [await connected(doors.url)]
  while (silent.length < 4) silent.push(await connected(doors.url))
  const oldest = silent.slice(0, 1).map((socket) => once(socket.resume(), 'close'))
  assert.equal((await postForm(`${doors.url}/token`, goodForm)).status, 200)
  await Promise.all(oldest)
  assert.deepEqual(
    silent.slice(1).map((socket) => socket.destroyed),
    [false, false, false],
  )
  for (const socket of silent) socket.destroy()
})

test('one address holds its share of the connections, and what is at work is never closed for others', async () => {
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const exchange = async () => {
    begun.resolve()
    await go.promise
    return issued
  }
  await using doors = await listeningDoors({ exchange }, { connections: 8, proxyOnLoopback: false })
  const running = postForm(`${doors.url}/token`, goodForm)
  await begun.promise
  // An eighth of eight is one, which is at work.
  assert.equal(await readAll(await connected(doors.url)), '')
  go.resolve()
  assert.equal((await running).status, 200)
  // Its connection is kept alive, idle now, and makes room for the next of the same address.
  const health = 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  assert.match(await raw(doors.url, health), /^HTTP\/1.1 200 /)
})

test('closing lets running requests finish, then nothing listens any more', async () => {
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const doors = await listeningDoors({
    exchange: async () => {
      begun.resolve()
      await go.promise
      return issued
    },
  })
  const running = postForm(`${doors.url}/token`, goodForm)
  await begun.promise
  const closed = doors.close(5000)
  await assert.rejects(fetch(`${doors.url}/healthz`))
  go.resolve()
  const response = await running
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('connection'), 'close')
  await closed
})

test('closing cuts what does not finish within its grace', async () => {
  const begun = Promise.withResolvers<void>()
  const doors = await listeningDoors({
    exchange: () => {
      begun.resolve()
      return new Promise(() => {})
    },
  })
  const running = postForm(`${doors.url}/token`, goodForm)
  await begun.promise
  const refused = assert.rejects(running)
  await doors.close(10)
  await refused
})

test('while draining everything works, but readiness says no', async () => {
  await using doors = await listeningDoors()
  assert.equal((await fetch(`${doors.url}/readyz`)).status, 200)
  doors.drain()
  assert.equal((await fetch(`${doors.url}/readyz`)).status, 503)
  assert.equal((await fetch(`${doors.url}/healthz`)).status, 200)
  assert.equal((await postForm(`${doors.url}/token`, goodForm)).status, 200)
})

test('readiness is what must work, and an error is a no', async () => {
  await using broken = await listeningDoors({ ready: async () => ({ store: false, keys: true }) })
  const response = await fetch(`${broken.url}/readyz`)
  assert.equal(response.status, 503)
  assert.deepEqual(await response.json(), { status: 'not ready', checks: { store: false, keys: true } })
  await using failing = await listeningDoors({ ready: () => Promise.reject(new Error('down')) })
  assert.equal((await fetch(`${failing.url}/readyz`)).status, 503)
})

test('what is thrown inside says nothing outside but an id, and is logged under it', async () => {
  const logged: Record<string, unknown>[] = []
  const log = { ...silent, error: (_: string, fields = {}) => void logged.push(fields) }
  await using doors = await listeningDoors({
    exchange: () => Promise.reject(new TypeError('password is hunter2')),
    tools: { ...testTools, log },
  })
  const response = await postForm(`${doors.url}/token`, goodForm)
  const text = await response.text()
  assert.equal(response.status, 500)
  assert.doesNotMatch(text, /hunter2/)
  const id = (JSON.parse(text) as Record<string, string>)['error_id']
  assert.match(id ?? '', /^er_/)
  assert.equal(logged[0]?.['error_id'], id)
})

test('requests are counted by door, never by path', async () => {
  const seen: [string, number][] = []
  await using doors = await listeningDoors({ observe: (door, status) => seen.push([door, status]) })
  await postForm(`${doors.url}/token`, goodForm)
  await fetch(`${doors.url}/wp-admin.php`)
  assert.deepEqual(seen, [
    ['token', 200],
    ['none', 404],
  ])
})

test('an address that is taken is an error at once', async () => {
  await using doors = await listeningDoors()
  const { port } = new URL(doors.url)
  await using other = await listeningDoors()
  assert.notEqual(other.url, doors.url)
  const { fakeDoors } = await import('../../test/doors.ts')
  await assert.rejects(openDoors(fakeDoors().doors, { host: '127.0.0.1', port: Number(port) }), /EADDRINUSE/)
})
