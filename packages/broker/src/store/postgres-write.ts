import { type Client, DatabaseError } from 'pg'
import { Frontier } from '../base/merkle.ts'
import { type Outcome, unavailable } from './group.ts'
import { beginLocked, type Connection } from './postgres-connection.ts'
import { loadWorld } from './postgres-load.ts'
import { planGroup, type Writes } from './postgres-plan.ts'
import type { Step } from './steps.ts'

interface TreeRow {
  readonly size: string
  readonly frontier: Buffer
}

/**
 * One durable transaction for a whole group, in two round trips: lock and read, then write and commit. Rejects when
 * it is not certain that all of it is on disk, also when only the answer to COMMIT was lost.
 */
export async function writeGroup(
  connection: Connection,
  group: readonly (readonly Step[])[],
): Promise<readonly Outcome[]> {
  const { client, read } = await begin(connection, (open) => loadWorld(open, group))
  const { size, frontier: encoded } = read.tree
  const frontier = Frontier.decode(Number(size), encoded)
  try {
    const { outcomes, writes } = planGroup(group, read.more, frontier)
    const statements = writeStatements(writes)
    if (writes.entries.length > 0) {
      const values = [frontier.size, frontier.encode()]
      statements.push({ text: 'UPDATE mayfly.tree SET size = $1, frontier = $2', values })
    }
    await finish(client, statements)
    return outcomes
  } catch (thrown) {
    await abandon(connection, client)
    throw thrown
  }
}

/** Deletes what is past, oldest first, `limit` rows in all. */
export async function pruneRows(
  connection: Connection,
  before: number,
  endedBefore: number,
  limit: number,
): Promise<number> {
  const { client } = await begin(connection, async () => undefined)
  try {
    let left = limit
    for (const [text, time] of [
      [prunes.spent, before],
      [prunes.jobs, before],
      [prunes.leases, endedBefore],
    ] as const) {
      left -= (await client.query(text, [time, left])).rowCount ?? 0
    }
    await finish(client, [])
    return limit - left
  } catch (thrown) {
    await abandon(connection, client)
    throw thrown
  }
}

const prunes = {
  spent: `DELETE FROM mayfly.spent WHERE key IN
    (SELECT key FROM mayfly.spent WHERE until < $1 ORDER BY until LIMIT $2)`,
  jobs: `DELETE FROM mayfly.job WHERE key IN
    (SELECT key FROM mayfly.job WHERE until < $1 ORDER BY until LIMIT $2)`,
  leases: `DELETE FROM mayfly.lease WHERE id IN
    (SELECT id FROM mayfly.lease WHERE state IN ('revoked', 'expired') AND coalesce(ended_at, expires_at) < $1
     ORDER BY coalesce(ended_at, expires_at) LIMIT $2)`,
} as const

/**
 * Opens the transaction and reads. Nothing is written yet, so a connection that turns out to be dead (the server
 * was restarted) is replaced and all of it is done once more.
 */
async function begin<T>(connection: Connection, readMore: (client: Client) => Promise<T>) {
  for (let attempt = 0; ; attempt++) {
    const client = await connection.client()
    try {
      const [locked, more] = await settled([
        client.query(beginLocked) as unknown as Promise<{ rows: TreeRow[] }[]>,
        readMore(client),
      ])
      const tree = locked.at(-1)?.rows[0]
      if (tree === undefined) throw new Error('the row of the tree is missing')
      return { client, read: { tree, more } }
    } catch (thrown) {
      await abandon(connection, client)
      if (attempt === 1 || !connectionBroke(thrown)) throw thrown
    }
  }
}

/** No SQLSTATE: the socket broke. 57P01 to 57P03: the server is going down or coming up. Class 08: connection. */
function connectionBroke(thrown: unknown): boolean {
  const code = thrown instanceof DatabaseError ? thrown.code : undefined
  return code === undefined || /^(57P0[123]|08)/.test(code)
}

interface Statement {
  readonly text: string
  readonly values: unknown[]
}

async function finish(client: Client, statements: readonly Statement[]): Promise<void> {
  const sent = statements.map(({ text, values }) => client.query(text, values))
  const results = await settled([...sent, client.query('COMMIT')])
  // In a transaction that failed, COMMIT succeeds and answers ROLLBACK.
  if (results.at(-1)?.command !== 'COMMIT') throw unavailable('the database rolled back')
}

/** Waits for all answers before it fails, so that none is left on the connection. */
async function settled<T extends readonly unknown[]>(
  promises: { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  await Promise.allSettled(promises)
  return (await Promise.all(promises)) as unknown as T
}

/** After a failure the connection's state is not certain: end it, and with it the transaction and the lock. */
async function abandon(connection: Connection, client: Client): Promise<void> {
  await client.query('ROLLBACK').catch(() => void connection.drop())
}

function writeStatements(writes: Writes): Statement[] {
  const statements: Statement[] = []
  const add = (text: string, count: number, ...values: unknown[]) => {
    if (count > 0) statements.push({ text, values })
  }
  const { spends, entries, hashes } = writes
  const leases = [...writes.leases.values()]
  const moves = [...writes.moves]
  const jobs = [...writes.jobs]
  add(
    insert.spent,
    spends.length,
    spends.map((each) => each.key),
    spends.map((each) => each.until),
  )
  const columns = [
    'id',
    'state',
    'target',
    'job',
    'expiresAt',
    'endedAt',
    'endedBy',
    'body',
    'handle',
  ] as const
  add(insert.lease, leases.length, ...columns.map((column) => leases.map((row) => row[column])))
  add(
    insert.moves,
    moves.length,
    moves.map(([id]) => id),
    ...(['to', 'endedAt', 'endedBy'] as const).map((column) => moves.map(([, move]) => move[column])),
  )
  add(
    insert.jobs,
    jobs.length,
    jobs.map(([key]) => key),
    ...(['issued', 'ended', 'until'] as const).map((column) => jobs.map(([, job]) => job[column])),
  )
  const entryColumns = ['index', 'leaf', 'bytes'] as const
  add(insert.entries, entries.length, ...entryColumns.map((column) => entries.map((each) => each[column])))
  const hashColumns = ['level', 'index', 'hash'] as const
  add(insert.hashes, hashes.length, ...hashColumns.map((column) => hashes.map((each) => each[column])))
  for (const key of writes.keys) {
    const { kid, purpose, generation, algorithm, publicJwk, sealed, createdAt, signsFrom } = key
    const row = [kid, purpose, generation, algorithm, publicJwk, sealed, createdAt, signsFrom]
    add(insert.key, 1, ...row, key.signsUntil ?? null, key.publishedUntil ?? null)
  }
  for (const each of writes.retirements) add(insert.retire, 1, each.signsUntil, each.publishedUntil, each.kid)
  for (const each of writes.checkpoints) add(insert.checkpoint, 1, each.size, each.note)
  return statements
}

const insert = {
  spent: 'INSERT INTO mayfly.spent (key, until) SELECT * FROM unnest($1::bytea[], $2::bigint[])',
  lease: `INSERT INTO mayfly.lease SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],
    $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::bytea[])`,
  moves: `UPDATE mayfly.lease SET state = move.state, ended_at = coalesce(move.ended_at, lease.ended_at),
      ended_by = coalesce(move.ended_by, lease.ended_by)
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS move (id, state, ended_at, ended_by)
    WHERE lease.id = move.id`,
  jobs: `INSERT INTO mayfly.job (key, issued, ended, until)
    SELECT * FROM unnest($1::text[], $2::integer[], $3::boolean[], $4::bigint[])
    ON CONFLICT (key) DO UPDATE SET issued = excluded.issued, ended = excluded.ended, until = excluded.until`,
  entries: `INSERT INTO mayfly.entry (idx, leaf, bytes)
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])`,
  hashes: `INSERT INTO mayfly.hash (level, idx, hash)
    SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])`,
  key: 'INSERT INTO mayfly.key VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
  retire: 'UPDATE mayfly.key SET signs_until = $1, published_until = $2 WHERE kid = $3',
  checkpoint: `INSERT INTO mayfly.checkpoint (one, size, note) VALUES (1, $1, $2)
    ON CONFLICT (one) DO UPDATE SET size = excluded.size, note = excluded.note
    WHERE excluded.size >= checkpoint.size`,
} as const
