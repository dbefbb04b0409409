import { type Client, DatabaseError } from 'pg'
import { Frontier } from '../base/merkle.ts'
import { type Outcome, unavailable } from './group.ts'
import { beginLocked, type Connection } from './postgres-connection.ts'
import { loadWorld } from './postgres-load.ts'
import { planGroup, type Writes } from './postgres-plan.ts'
import { insert, prunes, secrets } from './postgres-statements.ts'
import type { SecretStep, Step } from './steps.ts'

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
      [prunes.budgets, before],
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

/** One statement for each kind of row that there is. */
function writeStatements(writes: Writes): Statement[] {
  const { spends, entries, hashes } = writes
  const moves = [...writes.moves].map(([id, move]) => ({ id, ...move }))
  const budgets = [...writes.budgets].map(([key, row]) => ({ key, ...row }))
  const jobs = [...writes.jobs].map(([key, job]) => ({ key, ...job }))
  return [
    ...rows(insert.spent, spends, ['key', 'until']),
    ...rows(insert.lease, [...writes.leases.values()], leaseColumns),
    ...rows(insert.moves, moves, ['id', 'to', 'endedAt', 'endedBy', 'handle']),
    ...rows(insert.jobs, jobs, ['key', 'issued', 'ended', 'until']),
    ...rows(insert.budgets, budgets, ['key', 'calls', 'writes', 'rows', 'bytes', 'begun', 'until']),
    ...rows(insert.switchOff, switched(writes, true), ['name']),
    ...rows(insert.switchOn, switched(writes, false), ['name']),
    ...rows(insert.entries, entries, ['index', 'leaf', 'bytes']),
    ...rows(insert.hashes, hashes, ['level', 'index', 'hash']),
    ...writes.keys.map((key) => ({ text: insert.key, values: keyColumns.map((name) => key[name] ?? null) })),
    ...writes.retirements.map((each) => ({
      text: insert.retire,
      values: [each.signsUntil, each.publishedUntil, each.kid],
    })),
    ...writes.checkpoints.map((each) => ({ text: insert.checkpoint, values: [each.size, each.note] })),
    ...writes.secrets.map((each) => ({ text: secrets[each.op], values: secretValues(each) })),
  ]
}

function secretValues(step: SecretStep): unknown[] {
  switch (step.op) {
    case 'put':
      return [step.name, step.envelope, step.wrappedBy, step.replacedAt]
    case 'rewrap':
      return [step.envelope, step.wrappedBy, step.name, step.was]
    case 'use':
      return [step.times, step.at, step.name]
    case 'remove':
      return [step.name]
  }
}

function switched({ switches }: Writes, off: boolean): { readonly name: string }[] {
  return [...switches].flatMap(([name, is]) => (is === off ? [{ name }] : []))
}

const leaseColumns = [
  'id',
  'state',
  'target',
  'job',
  'run',
  'expiresAt',
  'endedAt',
  'endedBy',
  'body',
  'handle',
] as const
const keyColumns = [
  'kid',
  'purpose',
  'generation',
  'algorithm',
  'publicJwk',
  'sealed',
  'createdAt',
  'signsFrom',
  'signsUntil',
  'publishedUntil',
] as const

/** One statement whose parameters are whole columns, or none where there is no row. */
function rows<Row>(text: string, found: readonly Row[], columns: readonly (keyof Row)[]): Statement[] {
  if (found.length === 0) return []
  return [{ text, values: columns.map((column) => found.map((row) => row[column])) }]
}
