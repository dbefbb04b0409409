import pg from 'pg'
import { Failure } from '../base/failure.ts'
import { Frontier } from '../base/merkle.ts'
import { batchReads } from './batch.ts'
import { unavailable } from './group.ts'
import { isPlainText } from './kept-values.ts'
import { keyOf } from './key-row.ts'
import { connectionSettings } from './postgres-connection.ts'
import { pingDatabase } from './postgres-ping.ts'
import { secretOf } from './secret-row.ts'
import { bodyMember, bodyStart, jobKeys, type LeaseRow, leaseOf, switchOf } from './steps.ts'
import type { LeaseFilter, Store } from './store.ts'

type Reads = Pick<
  Store,
  | ('lease' | 'leases' | 'dueLeases' | 'switches' | 'keys' | 'secret' | 'secrets')
  | ('entries' | 'head' | 'hashes' | 'checkpoint' | 'ping')
>
type Row = Record<string, unknown>
type Read = (text: string, values?: unknown[]) => Promise<readonly Row[]>

const leaseColumns =
  'id, state, target, job, run, expires_at AS "expiresAt", ended_at AS "endedAt", ended_by AS "endedBy", body, handle'

/** All reading. A read after a commit resolved sees it: both go to the same server. */
export function openPostgresReader(url: string, now: () => number): Reads & { close(): Promise<void> } {
  const pool = new pg.Pool({ ...connectionSettings(url), max: 4 })
  // A connection that dies while idle is only replaced; whoever reads next gets a new one.
  pool.on('error', () => undefined)
  const read: Read = async (text, values = []) => {
    try {
      // A read may be done twice: the first try may meet a connection that a restart has ended.
      return (await pool.query<Row>(text, values).catch(() => pool.query<Row>(text, values))).rows
    } catch (cause) {
      throw unavailable('the database could not be read', cause)
    }
  }
  return {
    ...leaseReads(read),
    ...logReads(read),
    ...secretReads(read),
    ping: async () => {
      try {
        await pingDatabase(pool, now)
      } catch (cause) {
        if (cause instanceof Failure) throw cause
        throw unavailable('the database takes no writes', cause)
      }
    },
    close: () => pool.end(),
  }
}

function leaseReads(read: Read): Pick<Reads, 'lease' | 'leases' | 'dueLeases' | 'switches'> {
  const lookup = batchReads(async (ids) => {
    const rows = await read(`SELECT ${leaseColumns} FROM mayfly.lease WHERE id = ANY($1::text[])`, [ids])
    return new Map(rows.map((row) => [String(row['id']), leaseFrom(row)]))
  })
  return {
    lease: async (id) => (isPlainText(id) ? lookup(id) : undefined),
    leases: async (filter) => {
      if (filter.target !== undefined && !isPlainText(filter.target)) return []
      const { where, values } = leaseCondition(filter)
      const limit = `$${values.length + 1}`
      const text = `SELECT ${leaseColumns} FROM mayfly.lease WHERE ${where} ORDER BY id LIMIT ${limit}`
      return (await read(text, [...values, filter.limit])).map(leaseFrom)
    },
    dueLeases: async (before, limit) => {
      const rows = await read(
        `SELECT ${leaseColumns} FROM mayfly.lease WHERE state IN ('pending', 'active') AND expires_at < $1
         ORDER BY expires_at, id LIMIT $2`,
        [Math.ceil(before), limit],
      )
      return rows.map(leaseFrom)
    },
    switches: async () =>
      (await read('SELECT name FROM mayfly.switch ORDER BY name')).map((row) =>
        switchOf(String(row['name'])),
      ),
  }
}

function secretReads(read: Read): Pick<Reads, 'secret' | 'secrets'> {
  return {
    secret: async (name) => {
      if (!isPlainText(name)) return undefined
      const [row] = await read('SELECT * FROM mayfly.secret WHERE name = $1', [name])
      return row === undefined ? undefined : secretOf(row)
    },
    secrets: async () => (await read('SELECT * FROM mayfly.secret ORDER BY name')).map(secretOf),
  }
}

function logReads(read: Read): Pick<Reads, 'keys' | 'entries' | 'head' | 'hashes' | 'checkpoint'> {
  return {
    keys: async (purpose) => {
      if (!isPlainText(purpose)) return []
      return (await read('SELECT * FROM mayfly.key WHERE purpose = $1 ORDER BY generation', [purpose])).map(
        keyOf,
      )
    },
    entries: async (from, limit) => {
      const text = 'SELECT idx, bytes FROM mayfly.entry WHERE idx >= $1 ORDER BY idx LIMIT $2'
      return (await read(text, [from, limit])).map((row) => ({
        index: Number(row['idx']),
        bytes: row['bytes'] as Uint8Array,
      }))
    },
    head: async () => {
      const [row] = await read('SELECT size, frontier FROM mayfly.tree')
      const size = Number(row?.['size'])
      return { size, root: Frontier.decode(size, row?.['frontier'] as Uint8Array).root() }
    },
    hashes: async (level, from, limit) => {
      if (level % 8 !== 0) throw new RangeError('hashes are kept at levels 0, 8, 16 ...')
      const leaves = 'SELECT leaf AS hash FROM mayfly.entry WHERE idx >= $1 ORDER BY idx LIMIT $2'
      const above = 'SELECT hash FROM mayfly.hash WHERE level = $3 AND idx >= $1 ORDER BY idx LIMIT $2'
      const rows = await (level === 0 ? read(leaves, [from, limit]) : read(above, [from, limit, level]))
      return rows.map((row) => row['hash'] as Uint8Array)
    },
    checkpoint: async () => {
      const [row] = await read('SELECT size, note FROM mayfly.checkpoint')
      return row === undefined ? undefined : { size: Number(row['size']), note: String(row['note']) }
    },
  }
}

function leaseCondition(filter: LeaseFilter): { where: string; values: unknown[] } {
  const parts: string[] = []
  const values: unknown[] = []
  const add = (text: (place: string) => string, value: unknown) => {
    values.push(value)
    parts.push(text(`$${values.length}`))
  }
  add((place) => `id > ${place}`, plainStart(filter.after ?? ''))
  if (filter.states !== undefined) {
    add((place) => `state = ANY(${place}::text[])`, filter.states)
    const among = (choices: readonly string[]) => filter.states?.every((state) => choices.includes(state))
    // Said once more in the words of a partial index: a plan that is made for any values could not use it otherwise.
    if (among(['pending', 'stuck'])) parts.push("state IN ('pending', 'stuck')")
    else if (among(['pending', 'active', 'stuck'])) parts.push("state IN ('pending', 'active', 'stuck')")
  }
  if (filter.target !== undefined) add((place) => `target = ${place}`, filter.target)
  if (filter.kind !== undefined) add((place) => `starts_with(body, ${place})`, bodyStart(filter.kind))
  const inBody = (name: Parameters<typeof bodyMember>[0], value: string | undefined, there: boolean) => {
    if (value !== undefined)
      add((place) => `strpos(body, ${place}) ${there ? '>' : '='} 0`, bodyMember(name, value))
  }
  inBody('issuer', filter.issuer, true)
  inBody('repository', filter.repository, true)
  inBody('actor', filter.actor, true)
  inBody('session', filter.session, true)
  inBody('policy', filter.notOfPolicy, false)
  if (filter.job !== undefined) {
    const { keys, runs } = jobKeys(filter.job)
    const of = (column: string, place: string) => `${column} = ANY(${place}::text[])`
    values.push(runs)
    const second = `$${values.length}`
    add((place) => `(${of('job', place)} OR ${of('run', second)})`, keys)
  }
  return { where: parts.join(' AND '), values }
}

/** Ids hold plain text only, so what follows a text that is not plain follows its plain start. */
function plainStart(text: string): string {
  return isPlainText(text) ? text : (/^[^\u0000\ud800-\udfff]*/u.exec(text)?.[0] ?? '')
}

function leaseFrom(row: Row) {
  const endedAt = row['endedAt'] === null ? null : Number(row['endedAt'])
  return leaseOf({ ...(row as unknown as LeaseRow), expiresAt: Number(row['expiresAt']), endedAt })
}
