import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Frontier } from '../base/merkle.ts'
import type { Lease } from '../domain.ts'
import { isPlainText } from './kept-values.ts'
import { keyOf } from './key-row.ts'
import { secretOf } from './secret-row.ts'
import { bodyMember, bodyStart, jobKeys, type LeaseRow, leaseOf, switchOf } from './steps.ts'
import type { LeaseFilter, Store } from './store.ts'

type Reads = Pick<
  Store,
  | ('lease' | 'leases' | 'dueLeases' | 'switches' | 'keys' | 'secret' | 'secrets')
  | ('entries' | 'head' | 'hashes' | 'checkpoint')
>

const leaseColumns =
  'id, state, target, job, run, expires_at AS expiresAt, ended_at AS endedAt, ended_by AS endedBy, body, handle'

/** All reading, on a connection that cannot write. Each call sees every commit that has resolved before it. */
export function openSqliteReader(path: string): Reads & { close(): void; ping(): void } {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  database.exec('PRAGMA cache_size = -32768')
  const lease = rememberedLeases(database)
  const due = database.prepare(
    `SELECT ${leaseColumns} FROM lease WHERE state IN ('pending', 'active') AND expires_at < ?
     ORDER BY expires_at, id LIMIT ?`,
  )
  const switches = database.prepare('SELECT name FROM switch ORDER BY name')
  return {
    ...logReads(database),
    ...secretReads(database),
    lease: async (id) => (isPlainText(id) ? lease(id) : undefined),
    leases: async (filter) => {
      const { where, values } = leaseCondition(filter)
      const sql = `SELECT ${leaseColumns} FROM lease WHERE ${where} ORDER BY id LIMIT ?`
      const rows = database.prepare(sql).all(...values, filter.limit)
      return (rows as unknown as LeaseRow[]).map(leaseOf)
    },
    dueLeases: async (before, limit) =>
      (due.all(Math.ceil(before), limit) as unknown as LeaseRow[]).map(leaseOf),
    switches: async () => switches.all().map((row) => switchOf(String(row['name']))),
    close: () => database.close(),
    ping: () => void lease(''),
  }
}

/** As many as are kept in memory between two commits. */
const mostLeases = 4096

/**
 * One lease by its id, from memory while nobody has committed anything since it was read: SQLite says so for a third
 * of what reading costs (`PRAGMA data_version` looks at the write-ahead log, as every read does).
 */
function rememberedLeases(database: DatabaseSync): (id: string) => Lease | undefined {
  const select = database.prepare(`SELECT ${leaseColumns} FROM lease WHERE id = ?`)
  const version = database.prepare('PRAGMA data_version')
  version.setReturnArrays(true)
  const known = new Map<string, Lease>()
  let readAt: unknown
  return (id) => {
    const now = version.get()?.[0]
    if (now !== readAt || known.size >= mostLeases) known.clear()
    readAt = now
    const found = known.get(id)
    if (found !== undefined) return found
    const row = select.get(id)
    if (row === undefined) return undefined
    const lease = leaseOf(row as unknown as LeaseRow)
    known.set(id, lease)
    return lease
  }
}

function secretReads(database: DatabaseSync): Pick<Reads, 'secret' | 'secrets'> {
  const one = database.prepare('SELECT * FROM secret WHERE name = ?')
  const all = database.prepare('SELECT * FROM secret ORDER BY name')
  return {
    secret: async (name) => {
      const row = isPlainText(name) ? one.get(name) : undefined
      return row === undefined ? undefined : secretOf(row)
    },
    secrets: async () => all.all().map(secretOf),
  }
}

function logReads(
  database: DatabaseSync,
): Pick<Reads, 'keys' | 'entries' | 'head' | 'hashes' | 'checkpoint'> {
  const keys = database.prepare('SELECT * FROM key WHERE purpose = ? ORDER BY generation')
  const entries = database.prepare('SELECT idx, bytes FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?')
  const tree = database.prepare('SELECT size, frontier FROM tree')
  const leaves = database.prepare('SELECT leaf AS hash FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?')
  const hashes = database.prepare('SELECT hash FROM hash WHERE level = ? AND idx >= ? ORDER BY idx LIMIT ?')
  const checkpoint = database.prepare('SELECT size, note FROM checkpoint')
  return {
    keys: async (purpose) => keys.all(purpose).map(keyOf),
    entries: async (from, limit) =>
      entries
        .all(from, limit)
        .map((row) => ({ index: Number(row['idx']), bytes: row['bytes'] as Uint8Array })),
    head: async () => {
      const row = tree.get()
      const size = Number(row?.['size'])
      return { size, root: Frontier.decode(size, row?.['frontier'] as Uint8Array).root() }
    },
    hashes: async (level, from, limit) => {
      if (level % 8 !== 0) throw new RangeError('hashes are kept at levels 0, 8, 16 ...')
      const rows = level === 0 ? leaves.all(from, limit) : hashes.all(level, from, limit)
      return rows.map((row) => row['hash'] as Uint8Array)
    },
    checkpoint: async () => {
      const row = checkpoint.get()
      return row === undefined ? undefined : { size: Number(row['size']), note: String(row['note']) }
    },
  }
}

function leaseCondition(filter: LeaseFilter): { where: string; values: SQLInputValue[] } {
  const parts = ['id > ?']
  const values: SQLInputValue[] = [filter.after ?? '']
  const among = (column: string, choices: readonly string[]) => {
    values.push(...choices)
    return `${column} IN (${choices.map(() => '?').join()})`
  }
  if (filter.states !== undefined) {
    parts.push(among('state', filter.states))
    // Said once more in the words of the partial index, or SQLite would not use it.
    const rare = filter.states.every((state) => state === 'pending' || state === 'stuck')
    if (rare) parts.push("state IN ('pending', 'stuck')")
  }
  if (filter.target !== undefined) parts.push(among('target', [filter.target]))
  if (filter.kind !== undefined) {
    const start = bodyStart(filter.kind)
    values.push(start.length, start)
    parts.push('substr(body, 1, ?) = ?')
  }
  const inBody = (name: Parameters<typeof bodyMember>[0], value: string | undefined, there: boolean) => {
    if (value === undefined) return
    values.push(bodyMember(name, value))
    parts.push(`instr(body, ?) ${there ? '> 0' : '= 0'}`)
  }
  inBody('issuer', filter.issuer, true)
  inBody('repository', filter.repository, true)
  inBody('actor', filter.actor, true)
  inBody('session', filter.session, true)
  inBody('policy', filter.notOfPolicy, false)
  if (filter.job !== undefined) {
    const { keys, runs } = jobKeys(filter.job)
    parts.push(`(${among('job', keys)} OR ${among('run', runs)})`)
  }
  return { where: parts.join(' AND '), values }
}
