/** How the PostgreSQL route stands towards the server behind it, and towards callers that are slow or idle. */
import assert from 'node:assert/strict'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { startPostgres } from '../fakes/postgres.ts'
import { number32, openWire, packet, routeAlone, startup, wire } from '../fakes/postgres-route-alone.ts'
import { query } from '../fakes/query.ts'

test('over TLS the sign-in is bound to the certificate, which has to be the one that was named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-tls-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  const { key, cert } = selfSigned('127.0.0.1')
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    if (process.getuid?.() === 0) chownSync(join(folder, name), 65_534, 65_534)
    return join(folder, name)
  }
  if (process.getuid?.() === 0) chownSync(folder, 65_534, 65_534)
  const files = { ssl_cert_file: write('cert.pem', cert), ssl_key_file: write('key.pem', key) }
  const other = write('other.pem', selfSigned('127.0.0.1').cert)
  const server = await startPostgres({ ssl: 'on', ...files })
  atEnd(t, () => server.stop())
  const on = await server.createDatabase()
  const trusting = (root: string) => `?sslmode=verify-full&sslrootcert=${encodeURIComponent(root)}`
  const alone = await routeAlone(t, { on, query: trusting(files.ssl_cert_file) })
  const { rows } = await query(alone.url, 'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
  assert.deepEqual(rows, [{ ssl: true, version: 'TLSv1.3' }])
  for (const demanding of [trusting(other), '?sslmode=require']) {
    const { url } = await routeAlone(t, { on, query: demanding })
    await assert.rejects(query(url, 'SELECT 1'), { code: '08006' })
  }
})

test('a server without TLS, where the connection demands it, gets no sign-in', async (t) => {
  const { url } = await routeAlone(t, { query: '?sslmode=require' })
  await assert.rejects(query(url, 'SELECT 1'), { code: '08006' })
})

/** A server that says what the test wants, and what callers of the route hear then. */
async function before(t: TestContext, serve: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const alone = await routeAlone(t, { sign_in_timeout: 1 })
  alone.gate.upstream = async () => ({
    url: `postgres://admin@127.0.0.1:${port}/${alone.database}`,
    role: 'lease',
    password: 'the-password-of-the-role',
  })
  return alone
}

const authentication = (code: number, ...more: Uint8Array[]) => packet('R', number32(code), ...more)
const offer = authentication(10, Buffer.from('SCRAM-SHA-256\0\0'))
const text = (value: string) => Buffer.from(value)

test('a server that asks for the password, or cannot prove that it knows it, learns nothing', async (t) => {
  const challenge = (nonce: string) => `r=${nonce},s=${text('salt').toString('base64')},i=4096`
  const answers: readonly (readonly [string, (said: string) => Buffer | undefined])[] = [
    ['in the clear', () => authentication(3)],
    ['as MD5', () => authentication(5, Buffer.alloc(4))],
    ['nothing at all', () => authentication(0)],
    ['only what binds', () => authentication(10, text('SCRAM-SHA-256-PLUS\0\0'))],
    [
      'a nonce of its own',
      (said) => (said.includes('n,,') ? authentication(11, text(challenge('x'))) : offer),
    ],
    [
      'too few rounds',
      (said) => {
        const nonce = /r=([^,]+)$/.exec(said)?.[1]
        return nonce === undefined
          ? offer
          : authentication(11, text(challenge(`${nonce}y`).replace('4096', '1')))
      },
    ],
    [
      'a wrong proof',
      (said) => {
        if (said.includes('c=')) return authentication(12, text(`v=${Buffer.alloc(32).toString('base64')}`))
        const nonce = /r=([^,]+)$/.exec(said)?.[1]
        return nonce === undefined ? offer : authentication(11, text(challenge(`${nonce}y`)))
      },
    ],
    ['an error', () => packet('E', 'SFATAL', 'C28P01', 'Msecret of the server', Buffer.of(0))],
    ['a message of 2^31 bytes', () => Buffer.concat([Buffer.from('R'), number32(2 ** 31)])],
    ['an end', () => undefined],
  ]
  for (const [name, answer] of answers) {
    const heard: Buffer[] = []
    const alone = await before(t, (socket) =>
      socket.on('data', (bytes: Buffer) => {
        heard.push(bytes)
        const said = answer(bytes.toString('latin1'))
        if (said === undefined) socket.destroy()
        else socket.write(said)
      }),
    )
    const thrown: unknown = await query(alone.url, 'SELECT 1').catch((each: unknown) => each)
    assert.ok(thrown instanceof pg.DatabaseError, name)
    assert.equal(thrown.code, '08006', name)
    assert.doesNotMatch(JSON.stringify(thrown), /secret of the server/, name)
    assert.doesNotMatch(Buffer.concat(heard).toString('latin1'), /the-password-of-the-role|good/, name)
  }
})

test('a server that does not answer is given up in time; one that is not there at once', async (t) => {
  const silent = await before(t, (socket) => socket.resume())
  const each = await wire(silent)
  each.socket.write(startup(silent.database))
  await each.until('R')
  each.socket.write(packet('p', 'good'))
  await each.closed()
  const gone = await before(t, () => {})
  gone.gate.upstream = async () => ({ url: 'postgres://127.0.0.1:1/x', role: 'r', password: 'p' })
  await assert.rejects(query(gone.url.replace(gone.database, 'x'), 'SELECT 1'), { code: '08006' })
})

test('a caller that does not read stops the server from sending', async (t) => {
  const alone = await routeAlone(t)
  const { socket } = await openWire(alone)
  socket.pause()
  const before = process.memoryUsage().arrayBuffers
  socket.write(packet('Q', `SELECT repeat('x', 1000000) FROM generate_series(1, 1000)`))
  const admin = new pg.Client({ connectionString: alone.admin })
  await admin.connect()
  const waits = async () => {
    const { rows } = await admin.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename LIKE 'lease%' AND wait_event = 'ClientWrite'`,
    )
    return rows[0].n === 1
  }
  for (let seen = 0; seen < 20; ) seen = (await waits()) ? seen + 1 : 0
  await admin.end()
  assert.ok(process.memoryUsage().arrayBuffers - before < 100_000_000)
  socket.destroy()
})

test('when the route closes, idle sessions end at once and a transaction may finish', async (t) => {
  const alone = await routeAlone(t)
  const [idle, busy] = [await openWire(alone), await openWire(alone)]
  busy.socket.write(packet('Q', 'BEGIN; CREATE TABLE kept (n int)'))
  await busy.until('Z')
  const closed = alone.close(10_000)
  assert.match(String(await idle.closed()), /C57P01/)
  busy.socket.write(packet('Q', 'COMMIT'))
  await busy.until('C')
  await busy.closed()
  await closed
  assert.equal((await query(alone.admin, 'SELECT count(*)::int AS n FROM kept')).rows[0].n, 0)
})

test('a session in which nothing moves is cut after its time', async (t) => {
  const alone = await routeAlone(t, { idle_timeout: 0.3 })
  const { closed } = await openWire(alone)
  assert.match(String(await closed()), /C57P05/)
})
