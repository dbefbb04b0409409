/** What one round of the sweep costs with 100 leases that are due, however many others the store has. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeEvent } from '@mayfly/broker/audit/events'
import { silent, type Tools } from '@mayfly/broker/base/tools'
import type { Lease } from '@mayfly/broker/domain'
import { openRevoke } from '@mayfly/broker/revoke/revoke'
import { openSweep } from '@mayfly/broker/revoke/sweep'
import { openPostgresStore } from '@mayfly/broker/store/postgres'
import { openSqliteStore } from '@mayfly/broker/store/sqlite'
import type { Store } from '@mayfly/broker/store/store'
import pg from 'pg'
import { startPostgres } from '../../test/fakes/postgres.ts'
import { prefill } from '../exchange/prefill.ts'

const due = 100
const rounds = 15
const many = 1_000_000
const tools: Tools = { now: Date.now, randomBytes, log: silent, after: () => () => {} }

/** Medians of one round. */
export interface SweepCost {
  readonly ms: number
  /** CPU of this process, all threads. */
  readonly cpuMs: number
}

export interface Sweeping {
  readonly few: SweepCost
  readonly many: SweepCost
}

/** On SQLite: a store with nothing but what is due, and one with a million live leases. Takes about 40 s. */
export async function sweepingOnSqlite(): Promise<Sweeping> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-bench-'))
  const [small, large] = [join(folder, 'small.db'), join(folder, 'large.db')]
  try {
    await prefill(large, many, 0, 'bench')
    return await inTurns(await openSqliteStore({ path: small }), await openSqliteStore({ path: large }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same on PostgreSQL. */
export async function sweepingOnPostgres(): Promise<Sweeping> {
  const server = await startPostgres()
  try {
    const [small, large] = [await server.createDatabase(), await server.createDatabase()]
    const open = (url: string) => openPostgresStore({ url, now: tools.now })
    const store = await open(large)
    await store.commit([{ kind: 'lease.create', lease: leaseOf(0, 86_400), jobLimit: 1 }])
    await multiply(large)
    return await inTurns(await open(small), store)
  } finally {
    await server.stop()
  }
}

/** Copies the one lease, each under an id and a job of its own: through the store it would take minutes. */
async function multiply(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    `INSERT INTO mayfly.lease (id, state, target, job, run, expires_at, body, handle)
     SELECT left(id, -16) || lpad(n::text, 16, '0'), state, target, job || n, run || n, expires_at, body, handle
       FROM mayfly.lease, generate_series(1, ${many}) AS n`,
  )
  await client.query('VACUUM ANALYZE mayfly.lease')
  await client.end()
}

async function inTurns(small: Store, large: Store): Promise<Sweeping> {
  const costs: [SweepCost[], SweepCost[]] = [[], []]
  try {
    for (let round = 0; round < rounds + 3; round++)
      for (const [at, store] of [small, large].entries()) {
        const cost = await costOfRound(store, round)
        if (round >= 3) costs[at]?.push(cost)
      }
  } finally {
    await small.close()
    await large.close()
  }
  return { few: median(costs[0]), many: median(costs[1]) }
}

async function costOfRound(store: Store, round: number): Promise<SweepCost> {
  const leases = Array.from({ length: due }, (_, at) => leaseOf(10_000_000 + round * due + at, -5))
  await store.commit(leases.map((lease) => ({ kind: 'lease.create', lease, jobLimit: 1 })))
  const revoke = openRevoke({
    store,
    target: () => ({ kind: 'token', local: true, prepare: () => null, issue: () => Promise.reject() }),
    openHandle: () => null,
    record: (event) => ({ kind: 'append', entry: encodeEvent(event, tools).bytes }),
    tools,
  })
  const sweep = openSweep({ store, revoke, tools })
  const [begun, cpu] = [performance.now(), process.cpuUsage()]
  const { expired } = await sweep.round()
  const { user, system } = process.cpuUsage(cpu)
  if (expired !== due) throw new Error(`${expired} of ${due} leases were ended`)
  return { ms: performance.now() - begun, cpuMs: (user + system) / 1000 }
}

/** A lease that ends `seconds` from now. */
function leaseOf(number: number, seconds: number): Lease {
  const now = Math.floor(Date.now() / 1000)
  return {
    id: `ls_0000000000${String(number).padStart(16, '0')}`,
    state: 'active',
    target: 'orders-api',
    kind: 'token',
    issuer: 'github',
    subject: 'repo:acme/shop:environment:production',
    grants: ['shop'],
    scopes: ['orders:read'],
    job: { issuer: 'github', id: String(1_000_000 + number), run: `${500_000 + number}/1` },
    createdAt: now - 600,
    expiresAt: now + seconds,
    handle: randomBytes(48),
  }
}

function median(costs: readonly SweepCost[]): SweepCost {
  const middle = (of: (cost: SweepCost) => number) =>
    costs.map(of).toSorted((one, other) => one - other)[Math.floor(costs.length / 2)] ?? Number.NaN
  return { ms: middle(({ ms }) => ms), cpuMs: middle(({ cpuMs }) => cpuMs) }
}
