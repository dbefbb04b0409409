import { DatabaseSync } from 'node:sqlite'
import { Frontier, leafHash } from '../base/merkle.ts'
import type { LeaseState } from '../domain.ts'
import { type BudgetRow, conflictOf, taken, type World } from './conditions.ts'
import type { Outcome } from './group.ts'
import { openProbe } from './sqlite-probe.ts'
import { prepareSchema } from './sqlite-schema.ts'
import { SpentKeys } from './sqlite-spent.ts'
import { writerStatements } from './sqlite-statements.ts'
import type { SecretStep, Step } from './steps.ts'

/** How long a writer waits for another process that writes to the same file. */
export const busyMs = 5000

/** All writing to one SQLite file. Synchronous: it belongs into a thread of its own. */
export interface SqliteWriter {
  /** One durable transaction for the whole group. Throws when nothing of it was written. */
  write(group: readonly (readonly Step[])[]): readonly Outcome[]
  prune(before: number, endedBefore: number, limit: number): number
  /** Writes a little, durably. Throws when the file cannot be written, or has no room since a write failed. */
  ping(): void
  close(): void
}

/** Opens the file, makes the tables where needed. */
export function openSqliteWriter(
  path: string,
  database = new DatabaseSync(path, { timeout: busyMs }),
): SqliteWriter {
  prepareSchema(database)
  const statements = writerStatements(database)
  const spent = new SpentKeys(database)

  const inTransaction = <T>(work: () => T): T => {
    // IMMEDIATE: the tree's row is read under the write lock, so that log positions never collide.
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (thrown) {
      probe.failed()
      if (database.isTransaction) database.exec('ROLLBACK')
      throw thrown
    }
  }
  const probe = openProbe(database, inTransaction)

  // Now and not in the first commit, which somebody waits for.
  inTransaction(() => spent.begin(Number(statements.tree.get()?.['spends'])))

  return {
    write: (group) => {
      try {
        const outcomes = inTransaction(() => writeGroup(statements, spent, group))
        spent.keep()
        return outcomes
      } catch (thrown) {
        spent.undo()
        throw thrown
      }
    },
    prune: (before, endedBefore, limit) => {
      let names: readonly string[] = []
      const count = inTransaction(() => {
        names = spent.prune(before, limit)
        let left = limit - names.length
        left -= Number(statements.pruneJobs.run(before, left).changes)
        left -= Number(statements.pruneBudgets.run(before, left).changes)
        left -= Number(statements.pruneLeases.run(endedBefore, left).changes)
        return limit - left
      })
      spent.forget(names)
      return count
    },
    ping: () => probe.check(),
    close: () => database.close(),
  }
}

/** Each commit of the group in order: its conditions first, then all of its rows or none. */
function writeGroup(
  statements: Statements,
  spent: SpentKeys,
  group: readonly (readonly Step[])[],
): readonly Outcome[] {
  const tree = statements.tree.get()
  const frontier = Frontier.decode(Number(tree?.['size']), tree?.['frontier'] as Uint8Array)
  const [size, spends] = [frontier.size, Number(tree?.['spends'])]
  spent.begin(spends)
  const off = new Set(statements.switches.all().map((row) => String(row['name'])))
  const world = worldOf(statements, spent, off)
  const outcomes = group.map((steps) => {
    const conflict = conflictOf(steps, world)
    if (conflict !== undefined) return conflict
    for (const step of steps) {
      if (step.op === 'spend') spent.add(step.name, step.until)
      else if (step.op === 'append') writeEntry(statements, frontier, step.entry)
      else writeStep(statements, step)
      if (step.op === 'switch') off[step.off ? 'add' : 'delete'](step.name)
    }
    return undefined
  })
  spent.write()
  if (frontier.size !== size || spent.count !== spends) {
    statements.setTree.get(frontier.size, frontier.encode(), spent.count)
  }
  return outcomes
}

type Statements = ReturnType<typeof writerStatements>

function worldOf(statements: Statements, spent: SpentKeys, off: ReadonlySet<string>): World {
  return {
    isSpent: (name) => spent.has(name),
    leaseState: (id) => statements.leaseState.get(id)?.['state'] as LeaseState | undefined,
    job: (key) => {
      const row = statements.job.get(key)
      return row === undefined ? undefined : { issued: Number(row['issued']), ended: row['ended'] === 1 }
    },
    isOff: (name) => off.size > 0 && off.has(name),
    budget: (key) => budgetRow(statements, key),
    hasKey: (purpose, generation, kid) => statements.hasKey.get(purpose, generation, kid) !== undefined,
  }
}

function budgetRow(statements: Statements, key: string): BudgetRow | undefined {
  const row = statements.budget.get(key)
  if (row === undefined) return undefined
  const [calls, writes, rows, bytes] = [row['calls'], row['writes'], row['rows'], row['bytes']].map(Number)
  const [begun, until] = [Number(row['begun']), Number(row['until'])]
  return { calls: calls ?? 0, writes: writes ?? 0, rows: rows ?? 0, bytes: bytes ?? 0, begun, until }
}

function writeStep(statements: Statements, step: Exclude<Step, { op: 'spend' | 'append' }>): void {
  switch (step.op) {
    case 'create': {
      const { id, state, target, job, run, expiresAt, endedAt, endedBy, body, handle } = step.row
      statements.create.get(id, state, target, job, run, expiresAt, endedAt, endedBy, body, handle)
      if (job !== null) statements.countJob.get(job, step.jobUntil)
      return
    }
    case 'move':
      statements.move.get(step.to, step.endedAt, step.endedBy, step.handle, step.id)
      return
    case 'end':
      statements.endJob.get(step.job, step.until)
      return
    case 'switch':
      statements[step.off ? 'switchOff' : 'switchOn'].get(step.name)
      return
    case 'key': {
      const { kid, purpose, generation, algorithm, publicJwk, sealed, createdAt, signsFrom } = step.key
      const until = [step.key.signsUntil ?? null, step.key.publishedUntil ?? null] as const
      const row = [kid, purpose, generation, algorithm, publicJwk, sealed, createdAt, signsFrom] as const
      statements.createKey.get(...row, ...until)
      return
    }
    case 'retire':
      statements.retireKey.get(step.signsUntil, step.publishedUntil, step.kid)
      return
    case 'take': {
      const { calls, writes, rows, bytes, begun, until } = taken(step, budgetRow(statements, step.key))
      statements.setBudget.get(step.key, calls, writes, rows, bytes, begun, until)
      return
    }
    case 'checkpoint':
      statements.setCheckpoint.get(step.size, step.note)
      return
    default:
      writeSecret(statements, step)
  }
}

function writeSecret(statements: Statements, step: SecretStep): void {
  switch (step.op) {
    case 'put':
      statements.putSecret.get(step.name, step.envelope, step.wrappedBy, step.replacedAt)
      return
    case 'rewrap':
      statements.rewrapSecret.get(step.envelope, step.wrappedBy, step.name, step.was)
      return
    case 'use':
      statements.useSecret.get(step.times, step.at, step.name)
      return
    case 'remove':
      statements.removeSecret.get(step.name)
  }
}

function writeEntry(statements: Statements, frontier: Frontier, bytes: Uint8Array): void {
  const leaf = leafHash(bytes)
  statements.append.get(frontier.size, leaf, bytes)
  frontier.append(leaf, (level, index, hash) => {
    if (level > 0 && level % 8 === 0) statements.addHash.get(level, index, hash)
  })
}
