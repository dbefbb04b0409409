/** What a caller of the PostgreSQL route may send to get past it, or to hold more of it than its share. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@mayfly/broker/base/failure'
import pg from 'pg'
import { number32, openWire, packet, routeAlone, startup, wire } from '../fakes/postgres-route-alone.ts'

const sslRequest = packet('', number32(80_877_103))
const gssRequest = packet('', number32(80_877_104))
const int16 = (value: number) => Buffer.of(value >> 8, value & 255)
const parse = (name: string, text: string) => packet('P', name, text, int16(0))
const bindTo = (name: string, portal = '') => packet('B', portal, name, int16(0), int16(0), int16(0))
const execute = (portal = '') => packet('E', portal, number32(0))
const sync = packet('S')

const typesOf = (found: readonly { type: string }[]) => found.map(({ type }) => type).join('')
const bodyOf = (found: readonly { type: string; body: Buffer }[], type: string) =>
  found.find((each) => each.type === type)?.body.toString('latin1') ?? ''

test('first packets that are none end the connection before anything is asked', async (t) => {
  const alone = await routeAlone(t)
  const first: readonly (readonly [string, Buffer])[] = [
    ['length 0', Buffer.concat([number32(0), number32(196_608)])],
    ['length 3', Buffer.concat([number32(3), number32(196_608)])],
    ['length 2^31', Buffer.concat([number32(2 ** 31), number32(196_608)])],
    ['length 2^32-1', Buffer.concat([number32(2 ** 32 - 1), number32(196_608)])],
    ['10001 bytes', packet('', number32(196_608), Buffer.alloc(10_001 - 8))],
    ['protocol 2', packet('', number32(131_072), Buffer.alloc(288))],
    ['parameters without an end', packet('', number32(196_608), 'user', 'job')],
    ['more than parameters', packet('', number32(196_608), 'user', 'job', Buffer.of(0, 0))],
    ['user twice', packet('', number32(196_608), 'user', 'job', 'user', 'postgres', Buffer.of(0))],
    ['TLS where there is none', Buffer.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['SSLRequest twice', Buffer.concat([sslRequest, sslRequest])],
    ['SSLRequest with a body', packet('', number32(80_877_103), number32(1))],
    ['a startup behind SSLRequest', Buffer.concat([sslRequest, startup(alone.database)])],
  ]
  for (const [name, bytes] of first) {
    const each = await wire(alone)
    each.socket.write(bytes)
    const said = (await each.closed()).toString('latin1')
    assert.doesNotMatch(said, /R\0\0\0\x08/, name)
  }
  assert.equal(alone.gate.asks.length, 0)
})

test('encryption is refused once each, and the session begins all the same', async (t) => {
  const alone = await routeAlone(t)
  const each = await wire(alone)
  for (const request of [gssRequest, sslRequest]) {
    const answered = new Promise<Buffer>((resolve) => each.socket.once('data', resolve))
    each.socket.write(request)
    assert.equal(String(await answered), 'N')
  }
  each.socket.write(sslRequest)
  await each.closed()
})

test('what a session may not begin with is named: replication, options, encodings, databases', async (t) => {
  const alone = await routeAlone(t)
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['replication', 'database'], /Replication/],
    [['replication', 'true'], /Replication/],
    [['options', '-c role=postgres'], /options/],
    [['client_encoding', 'SJIS'], /UTF8/],
    [['standard_conforming_strings', 'off'], /standard_conforming_strings/],
    [['role', 'postgres'], /role/],
    [['session_authorization', 'postgres'], /session_authorization/],
    [['search_path', 'evil'], /search_path/],
  ]
  for (const [more, expected] of wrong) {
    const each = await wire(alone)
    each.socket.write(startup(alone.database, ...more))
    await each.until('R')
    each.socket.write(packet('p', 'good'))
    assert.match(bodyOf(await each.until('E'), 'E'), expected)
    await each.closed()
  }
  const other = await wire(alone)
  other.socket.write(startup('postgres'))
  await other.until('R')
  other.socket.write(packet('p', 'good'))
  assert.match(bodyOf(await other.until('E'), 'E'), /another database/)
})

test('without a token that the gate knows nothing reaches the server, and every refusal reads the same', async (t) => {
  const alone = await routeAlone(t)
  for (const password of [packet('p', 'bad'), packet('p', 'postgres'), packet('p', '')]) {
    const each = await wire(alone)
    each.socket.write(startup(alone.database))
    await each.until('R')
    each.socket.write(password)
    const error = bodyOf(await each.until('E'), 'E')
    assert.match(error, /C28000/)
    assert.doesNotMatch(error, /secret reason/)
    await each.closed()
  }
  const wrongs = [
    packet('Q', 'SELECT 1'),
    packet('p', Buffer.alloc(20_000, 'a')),
    packet('p', Buffer.from('no end')),
    packet('p', 'good', 'more'),
    Buffer.concat([Buffer.from('p'), number32(2 ** 31)]),
    Buffer.concat([Buffer.from('p'), number32(3)]),
  ]
  for (const password of wrongs) {
    const each = await wire(alone)
    each.socket.write(startup(alone.database))
    await each.until('R')
    each.socket.write(password)
    assert.match(String(await each.closed()), /C08P01/)
  }
})

test('a caller that does not sign in is cut after its time, and no more are let wait than may connect', async (t) => {
  const alone = await routeAlone(t, { sign_in_timeout: 0.2, max_connections: 3 })
  const waiting = await Promise.all([wire(alone), wire(alone), wire(alone)])
  const fourth = await wire(alone)
  await fourth.closed()
  waiting[0]?.socket.write(startup(alone.database))
  waiting[1]?.socket.write(startup(alone.database).subarray(0, 9))
  for (const each of waiting) await each.closed()
})

test('messages that are none end the session: lengths, types, a second startup, what is longer than it says', async (t) => {
  const alone = await routeAlone(t, { max_statement_bytes: 4096 })
  const wrong: readonly (readonly [string, Buffer])[] = [
    ['a second startup', startup(alone.database)],
    ['an SSLRequest', sslRequest],
    ['a password', packet('p', 'good')],
    ['an unknown type', packet('z')],
    ['a type of the server', packet('D'.toLowerCase().replace('d', 'T'))],
    ['length 0', Buffer.concat([Buffer.from('Q'), number32(0)])],
    ['length 3', Buffer.concat([Buffer.from('Q'), number32(3)])],
    ['length 2^31', Buffer.concat([Buffer.from('Q'), number32(2 ** 31)])],
    ['a long statement', packet('Q', `SELECT '${'x'.repeat(5000)}'`)],
    ['a statement without an end', packet('Q', Buffer.from('SELECT 1'))],
    ['a statement behind the statement', packet('Q', 'SELECT 1', 'SELECT forbidden')],
    ['bytes that are not UTF-8', packet('Q', Buffer.from([0x53, 0xff, 0xfe, 0]))],
    ['an overlong quote', packet('Q', Buffer.from([0x53, 0xc0, 0xa7, 0]))],
    ['a Parse of a million parameters', packet('P', '', 'SELECT 1', int16(65_535), Buffer.alloc(4))],
    ['a Parse with a second text', packet('P', '', 'SELECT 1', 'SELECT forbidden', int16(0))],
    ['a Parse without parameters', packet('P', '', 'SELECT 1')],
  ]
  for (const [name, bytes] of wrong) {
    const each = await openWire(alone)
    each.socket.write(bytes)
    assert.match(String(await each.closed()), /SFATAL\0VFATAL\0C08P01/, name)
  }
})

test('a refused statement fails where it stands, and the session goes on', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  socket.write(packet('Q', 'SELECT 1; SELECT forbidden'))
  const simple = await until('Z')
  assert.equal(typesOf(simple), 'EZ')
  assert.match(
    bodyOf(simple, 'E'),
    /^SERROR\0VERROR\0C42501\0MThat is forbidden\.\0Derror_id: au_refused\0\0$/,
  )
  assert.equal(bodyOf(simple, 'Z'), 'I')
  socket.write(packet('Q', 'SELECT 2'))
  assert.equal(typesOf(await until('Z')), 'TDCZ')
  socket.write(
    Buffer.concat([packet('Q', 'BEGIN'), packet('Q', 'SELECT forbidden'), packet('Q', 'SELECT 3')]),
  )
  assert.equal(bodyOf(await until('Z'), 'Z'), 'T')
  const within = await until('Z')
  assert.match(bodyOf(within, 'E'), /C42501/)
  assert.equal(bodyOf(within, 'Z'), 'E')
  assert.match(bodyOf(await until('Z'), 'E'), /C25P02/)
  socket.write(Buffer.concat([packet('Q', 'SELECT forbidden'), packet('Q', 'ROLLBACK')]))
  assert.match(bodyOf(await until('Z'), 'E'), /C42501/)
  assert.equal(bodyOf(await until('Z'), 'Z'), 'I')
})

test('in a pipeline, what stood before a refused statement is undone and what follows is skipped until Sync', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  socket.write(packet('Q', 'CREATE TABLE kept (n int)'))
  await until('Z')
  const insert = (n: number) => [parse('', `INSERT INTO kept VALUES (${n})`), bindTo(''), execute()]
  const refused = [parse('f', 'SELECT forbidden'), bindTo('f'), execute()]
  socket.write(Buffer.concat([...insert(1), ...refused, ...insert(2), sync, ...insert(3), sync]))
  const first = await until('Z')
  assert.equal(typesOf(first), '12CEZ')
  assert.match(bodyOf(first, 'E'), /That is forbidden/)
  assert.equal(typesOf(await until('Z')), '12CZ')
  socket.write(packet('Q', 'SELECT string_agg(n::text, chr(44)) FROM kept'))
  assert.match(bodyOf(await until('Z'), 'D'), /\x013$/)
  // Refused itself after an error of the server's own: nobody hears of it, and nothing of it stays.
  socket.write(
    Buffer.concat([parse('', 'SELECT nothing'), ...refused, sync, parse('', 'SELECT nothing'), sync]),
  )
  assert.match(bodyOf(await until('Z'), 'E'), /C42703/)
  assert.match(bodyOf(await until('Z'), 'E'), /C42703/)
})

test('a name that was refused is not there, and portals are used again as the server has them', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  socket.write(Buffer.concat([parse('a', 'SELECT forbidden'), sync, bindTo('a'), execute(), sync]))
  assert.match(bodyOf(await until('Z'), 'E'), /C42501/)
  assert.match(bodyOf(await until('Z'), 'E'), /C26000/)
  const twice = [bindTo('b', 'p'), execute('p'), bindTo('b', 'p')]
  socket.write(Buffer.concat([parse('b', 'SELECT 1'), ...twice, sync]))
  assert.match(bodyOf(await until('Z'), 'E'), /C42P03/)
})

test('calling a function by its number is refused, and the session goes on', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  const call = packet('F', number32(1598), int16(0), int16(0), int16(0))
  socket.write(Buffer.concat([call, packet('Q', 'SELECT 1')]))
  const refused = await until('Z')
  assert.equal(typesOf(refused), 'EZ')
  assert.match(bodyOf(refused, 'E'), /FunctionCall/)
  assert.equal(typesOf(await until('Z')), 'TDCZ')
})

test('nobody gets our error by naming its word', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  socket.write(Buffer.concat([parse('', 'SELECT nothing'), parse('', 'SELECT forbidden'), sync]))
  await until('Z')
  socket.write(packet('Q', 'mayfly_refused_00_0_'))
  assert.match(bodyOf(await until('Z'), 'E'), /C42601/)
})

test('messages come in pieces of any size, in both directions', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  const bytes = Buffer.concat([
    packet('Q', `SELECT repeat('x', 200000)`),
    ...[
      parse('', 'SELECT $1::text'),
      packet('B', '', '', int16(0), int16(1), number32(100_000), Buffer.alloc(100_000, 'y'), int16(0)),
    ],
    ...[execute(), sync, packet('Q', 'SELECT forbidden')],
  ])
  for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size + 1, 5000)) {
    socket.write(bytes.subarray(at, at + size))
    if (at % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await until('Z')).find(({ type }) => type === 'D')?.body.length, 200_006)
  assert.equal((await until('Z')).find(({ type }) => type === 'D')?.body.length, 100_006)
  assert.match(bodyOf(await until('Z'), 'E'), /C42501/)
})

test('a lease that ended stops the next message of an open session, and in the middle of COPY too', async (t) => {
  const alone = await routeAlone(t)
  const asked = await openWire(alone)
  const prepared = await openWire(alone)
  prepared.socket.write(Buffer.concat([parse('a', 'SELECT 1'), sync]))
  await prepared.until('Z')
  const copying = await openWire(alone)
  copying.socket.write(
    Buffer.concat([packet('Q', 'CREATE TABLE c (n int)'), packet('Q', 'COPY c FROM STDIN')]),
  )
  await copying.until('G')
  alone.gate.revoked = true
  asked.socket.write(packet('Q', 'CREATE TABLE late (n int)'))
  prepared.socket.write(Buffer.concat([bindTo('a'), execute(), sync]))
  copying.socket.write(packet('d', Buffer.from('1\n')))
  for (const { until } of [asked, prepared])
    await assert.rejects(until('Z'), /^Error: closed after E .*C57P01/s)
  assert.match(String(await copying.closed()), /C57P01/)
  const admin = new pg.Client({ connectionString: alone.admin })
  await admin.connect()
  const { rows } = await admin.query(`SELECT to_regclass('late') AS late, (SELECT count(*)::int FROM c) AS n`)
  await admin.end()
  assert.deepEqual(rows, [{ late: null, n: 0 }])
})

test('what was prepared under another policy is looked at again before it runs', async (t) => {
  let [terms, good] = [1, true]
  const refusal = new Failure('scope_refused')
  const look = () => (good ? { results: [], keeps: false } : { refusal })
  const alone = await routeAlone(
    t,
    {},
    { look, terms: () => terms, follows: () => false, cost: () => ({ calls: 1, writes: 0 }) },
  )
  const { socket, until } = await openWire(alone)
  socket.write(Buffer.concat([parse('a', 'SELECT 1'), bindTo('a'), execute(), sync]))
  assert.equal(typesOf(await until('Z')), '12DCZ')
  terms = 2
  socket.write(Buffer.concat([bindTo('a'), execute(), sync]))
  assert.equal(typesOf(await until('Z')), '2DCZ')
  good = false
  terms = 3
  socket.write(Buffer.concat([bindTo('a'), execute(), sync]))
  await assert.rejects(until('Z'), /^Error: closed after E .*C57P01/s)
})

test('a session keeps so many prepared statements and no more, however short they are', async (t) => {
  const alone = await routeAlone(t)
  const { socket, until } = await openWire(alone)
  const many = Array.from({ length: 70_000 }, (_, i) => parse(`s${i}`, ''))
  socket.write(Buffer.concat([...many, sync]))
  assert.match(bodyOf(await until('Z'), 'E'), /too many prepared statements/)
  socket.write(packet('Q', 'SELECT 1'))
  assert.equal(typesOf(await until('Z')), 'TDCZ')
})
