import { GroupCommit, unavailable } from './group.ts'
import { Connection } from './postgres-connection.ts'
import { openPostgresReader } from './postgres-read.ts'
import { prepareSchema } from './postgres-schema.ts'
import { pruneRows, writeGroup } from './postgres-write.ts'
import { encodeSteps } from './steps.ts'
import type { Store } from './store.ts'

/**
 * A store in a PostgreSQL database, in the schema `mayfly`, which it makes. Several brokers may use one database:
 * each group of commits is one transaction that holds the tree's row, so that all of them are in one order.
 * Throws `Failure('provider_unavailable')` when the database cannot be reached, or its clock is not ours.
 */
export async function openPostgresStore(options: {
  readonly url: string
  /** Our clock in ms, which must not be far from the database's. */
  readonly now: () => number
}): Promise<Store> {
  const connection = new Connection(options.url)
  const certain = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw unavailable(`the database failed: ${cause instanceof Error ? cause.message : 'unknown'}`, cause)
    })
  await certain(connection.client().then(prepareSchema))
  const { close: closeReader, ping, ...reads } = openPostgresReader(options.url, options.now)
  await ping().catch(async (thrown: unknown) => {
    await Promise.all([closeReader(), connection.drop()])
    throw thrown
  })
  const group = new GroupCommit((commits) => writeGroup(connection, commits))
  const pruning = new Connection(options.url)
  let closing: Promise<void> | undefined
  const close = async () => {
    await group.drain()
    await Promise.all([closeReader(), connection.drop(), pruning.drop()])
  }
  return {
    ...reads,
    commit: async (changes) => group.commit(encodeSteps(changes)),
    prune: (before, endedBefore, limit) =>
      certain(pruneRows(pruning, Math.ceil(before), Math.ceil(endedBefore), limit)),
    ping: async () => {
      if (closing !== undefined) throw unavailable('the store is closed')
      await ping()
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
