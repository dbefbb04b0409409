/** The route alone, on a real PostgreSQL and a gate of the test: for what callers send that no client would. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Failure } from '@mayfly/broker/base/failure'
import type { Tools } from '@mayfly/broker/base/tools'
import { openPostgresRoute } from '@mayfly/broker/route/routes/postgres/postgres'
import type { StatementCheck } from '@mayfly/broker/route/routes/postgres/statements'
import pg from 'pg'
import { type FakeGate, fakeGate } from '../conformance/route.ts'
import { atEnd } from './at-end.ts'
import { database } from './postgres-for.ts'

type Settings = Parameters<typeof openPostgresRoute>[0]

export interface Alone {
  readonly gate: FakeGate
  readonly host: string
  readonly port: number
  readonly database: string
  /** With the token that the gate knows. */
  readonly url: string
  /** Of the superuser, past the route. */
  readonly admin: string
  close(graceMs: number): Promise<void>
}

const tools: Tools = {
  now: Date.now,
  randomBytes,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Statements with the word `forbidden` are refused. */
export const forbidden: StatementCheck = {
  look: (text) =>
    text.includes('forbidden')
      ? { refusal: new Failure('scope_refused', { detail: 'That is forbidden.', reason: 'for a test' }) }
      : { results: [], keeps: false },
  terms: () => undefined,
  follows: () => false,
  cost: () => ({ calls: 1, writes: 0 }),
}

/** Opens the route; it ends with the test. `query`: of the connection string by which the route reaches the server. */
export async function routeAlone(
  t: TestContext,
  { on, query = '', ...more }: Partial<Settings> & { on?: string; query?: string } = {},
  check: StatementCheck = forbidden,
): Promise<Alone> {
  const admin = new URL(on ?? (await database()))
  const role = `lease_${randomBytes(6).toString('hex')}`
  const password = randomBytes(16).toString('hex')
  const client = new pg.Client({ connectionString: admin.href })
  await client.connect()
  await client.query(
    `CREATE ROLE ${role} LOGIN PASSWORD '${password}'; GRANT ALL ON SCHEMA public TO ${role}`,
  )
  await client.end()
  const gate: FakeGate = {
    ...fakeGate(),
    upstream: async () => ({ url: admin.href + query, role, password }),
  }
  gate.holds = async () => !gate.revoked
  const settings = {
    ...{ name: 'orders-db', listen: { host: '127.0.0.1', port: 0 }, target: 'orders-db' },
    ...{ sign_in_timeout: 10, idle_timeout: 600, max_connections: 100 },
    ...{ max_statement_bytes: 1_048_576, max_values_bytes: 67_108_864 },
  }
  const listening = await openPostgresRoute({ ...settings, ...more }, tools, () => check).listen(gate)
  atEnd(t, () => listening.close(0))
  const { hostname: host, port, host: place } = new URL(listening.url)
  const name = admin.pathname.slice(1)
  const url = `postgres://job:good@${place}/${name}`
  return { gate, host, port: Number(port), database: name, url, admin: admin.href, close: listening.close }
}

/** A message of a caller; without a type it is a first packet. */
export function packet(type: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)),
  )
  const head = Buffer.alloc(type.length + 4)
  head.write(type)
  head.writeUInt32BE(body.length + 4, type.length)
  return Buffer.concat([head, body])
}

export const number32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const startup = (name: string, ...more: readonly string[]) =>
  packet('', number32(196_608), 'user', 'job', 'database', name, ...more, Buffer.of(0))

export interface Wire {
  readonly socket: Socket
  /** Everything until a message of this type has come, as `TYPE text`; throws when the connection ends before. */
  until(type: string): Promise<readonly { readonly type: string; readonly body: Buffer }[]>
  /** Resolves once the route has closed the connection, with all that it said. */
  closed(): Promise<Buffer>
}

/** A connection on which the test says every byte. */
export async function wire({ host, port }: Pick<Alone, 'host' | 'port'>): Promise<Wire> {
  const socket = connect(port, host)
  let said: Buffer = Buffer.alloc(0)
  let over = false
  const woken = new Set<() => void>()
  const wake = () => {
    for (const each of woken) each()
  }
  socket.on('data', (chunk: Buffer) => {
    said = Buffer.concat([said, chunk])
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    over = true
    wake()
  })
  await once(socket, 'connect')
  const change = () => new Promise<void>((resolve) => woken.add(resolve)).finally(() => woken.clear())
  return {
    socket,
    async until(type) {
      const found: { type: string; body: Buffer }[] = []
      for (;;) {
        while (said.length >= 5 && said.length > said.readUInt32BE(1)) {
          const size = said.readUInt32BE(1) + 1
          const each = { type: String.fromCharCode(said[0] ?? 0), body: said.subarray(5, size) }
          said = said.subarray(size)
          found.push(each)
          if (each.type === type) return found
        }
        if (over) {
          const last = found.at(-1)?.body.toString('latin1') ?? ''
          throw new Error(`closed after ${found.map((each) => each.type).join('')} ${last}`)
        }
        await change()
      }
    },
    async closed() {
      while (!over) await change()
      return said
    },
  }
}

/** The same with a session that is open. */
export async function openWire(alone: Alone): Promise<Wire> {
  const opened = await wire(alone)
  opened.socket.write(startup(alone.database))
  await opened.until('R')
  opened.socket.write(packet('p', 'good'))
  await opened.until('Z')
  return opened
}
