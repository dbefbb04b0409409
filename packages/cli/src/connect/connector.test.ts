import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { Credential } from '@mayfly/client/exchange'
import { type ConnectorParts, stayConnected } from './connector.ts'
import { DialRefused } from './dial.ts'
import { readPlaces } from './places.ts'
import { TokensSpent } from './tokens.ts'

const credential = (accessToken: string, expiresAt: number): Credential => ({
  ...{ accessToken, leaseToken: accessToken, leaseId: `ls_${accessToken}`, expiresAt, expiresIn: 600 },
  ...{ issuedTokenType: '', tokenType: 'Bearer', scope: undefined, parts: undefined },
})

interface Arrived {
  readonly token: string
  readonly session: ClientHttp2Session
  readonly socket: Duplex
}

/** A broker that lets in whom `admits` names, and what a connector to it is made of; its waits end when the test says so. */
async function stage(t: TestContext, admits: (token: string) => number = () => 101) {
  const arrived: Arrived[] = []
  const hears: (() => void)[] = []
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => {}).once('end', () => socket.destroy())
    const token = (request.headers.authorization ?? '').replace('Bearer ', '')
    const status = admits(token)
    if (status !== 101) {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`)
      return
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: mayfly-connect\r\n\r\n')
    const session = connect('http://connector', { createConnection: () => socket })
    session.on('error', () => {})
    arrived.push({ token, session, socket })
    for (const hear of hears.splice(0)) hear()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = new AbortController()
  const said: string[] = []
  const waits: { readonly ms: number; readonly end: () => void }[] = []
  let current = credential('one', 1600)
  const forgotten: string[] = []
  let spent = false
  const parts: ConnectorParts = {
    ...{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, name: 'office' },
    ...{ places: readPlaces(['orders=127.0.0.1:1']), stop: stop.signal, random: () => 0.9999 },
    tokens: {
      current: async () => {
        if (spent) throw new TokensSpent('over')
        return current
      },
      forget: ({ accessToken }) => {
        forgotten.push(accessToken)
        current = credential('anew', 1600)
      },
    },
    now: () => 1_000_000,
    tell: (line) => void said.push(line),
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ ms, end: resolve })
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        for (const hear of hears.splice(0)) hear()
      }),
  }
  const staying = stayConnected(parts)
  staying.catch(() => {})
  t.after(async () => {
    stop.abort()
    await staying.catch(() => {})
    for (const { socket } of arrived) socket.destroy()
    server.close()
  })
  /** Until something more has happened, and `holds`. */
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => hears.push(resolve))
  }
  return {
    arrived,
    waits,
    said,
    forgotten,
    staying,
    stop,
    until,
    spend: () => {
      spent = true
    },
    renew: (next: Credential) => {
      current = next
    },
  }
}

test('before its token ends a connector dials anew with the next one, and what runs on the old connection goes on', async (t) => {
  const { arrived, waits, until, renew } = await stage(t)
  await until(() => arrived.length === 1 && waits.length === 1)
  const [first] = arrived
  assert.ok(first !== undefined)
  // Of 600 seconds that it lives.
  assert.ok((waits[0]?.ms ?? 0) > 300_000 && (waits[0]?.ms ?? 0) < 400_000)
  const running = first.session.request({ ':method': 'CONNECT', ':authority': 'orders:80' })
  running.on('error', () => {})
  renew(credential('two', 2200))
  waits[0]?.end()
  await until(() => arrived.length === 2)
  assert.deepEqual(
    arrived.map(({ token }) => token),
    ['one', 'two'],
  )
  // It is asked to take nothing more, and is not cut.
  await once(first.session, 'goaway')
  assert.equal(first.socket.destroyed, false)
  running.destroy()
  await once(first.socket, 'close')
  assert.equal(arrived[1]?.socket.destroyed, false)
})

test('a token that could not be renewed yet keeps its connection', async (t) => {
  const { arrived, waits, until } = await stage(t)
  await until(() => waits.length === 1)
  waits[0]?.end()
  await until(() => waits.length === 2)
  assert.equal(arrived.length, 1)
  assert.equal(arrived[0]?.socket.destroyed, false)
})

test('waits between tries grow while the broker cannot let it in', async (t) => {
  let tries = 0
  const { waits, until, forgotten, arrived } = await stage(t, () => (++tries > 3 ? 101 : 503))
  for (const count of [1, 2, 3]) {
    await until(() => waits.length === count)
    waits[count - 1]?.end()
  }
  await until(() => arrived.length === 1)
  assert.deepEqual(forgotten, [])
  assert.deepEqual(
    waits.slice(0, 3).map(({ ms }) => ms),
    [500, 1000, 2000],
  )
})

test('without a second token of its platform a connector ends with its credential', async (t) => {
  const { arrived, waits, until, staying, spend } = await stage(t)
  await until(() => arrived.length === 1 && waits.length === 1)
  spend()
  arrived[0]?.socket.destroy()
  await until(() => waits.length === 2)
  waits[1]?.end()
  await assert.rejects(staying, TokensSpent)
})

test('a no at the start ends it, and one later does not', async (t) => {
  const never = await stage(t, () => 403)
  await assert.rejects(never.staying, (thrown) => thrown instanceof DialRefused && thrown.status === 403)
  let open = true
  const later = await stage(t, (token) => (open || token === 'anew' ? 101 : 401))
  await later.until(() => later.arrived.length === 1 && later.waits.length === 1)
  open = false
  later.arrived[0]?.socket.destroy()
  await later.until(() => later.waits.length === 2)
  later.waits[1]?.end()
  await later.until(() => later.waits.length === 3)
  assert.deepEqual(later.forgotten, ['one'])
  later.waits[2]?.end()
  await later.until(() => later.arrived.length === 2)
  assert.equal(later.arrived[1]?.token, 'anew')
})

test('stopping cuts the connection and ends it without a fault', async (t) => {
  const { arrived, until, staying, stop, waits } = await stage(t)
  await until(() => arrived.length === 1 && waits.length === 1)
  stop.abort()
  await staying
  assert.ok(arrived[0] !== undefined)
  if (!arrived[0].socket.destroyed) await once(arrived[0].socket, 'close')
})

test('what a connector serves is named once each, and plainly', () => {
  for (const text of [
    '',
    'orders',
    'orders=',
    'orders=10.0.0.7',
    'orders=10.0.0.7:0',
    'orders=10.0.0.7:65536',
    'a b=c:1',
    '*=c:1',
  ])
    assert.throws(() => readPlaces([text]), /is no route/, text)
  assert.throws(() => readPlaces(['a=b:1', 'A=c:1']), /given twice/)
  assert.throws(() => readPlaces([]), /no route is given/)
  assert.deepEqual(
    [...readPlaces(['db=[::1]:5432', 'Wiki.internal:443'])],
    [
      ['db', { host: '::1', port: 5432 }],
      ['wiki.internal:443', { host: 'Wiki.internal', port: 443 }],
    ],
  )
})
