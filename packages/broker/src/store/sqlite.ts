import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { GroupCommit } from './group.ts'
import { openSqliteReader } from './sqlite-reader.ts'
import { encodeSteps } from './steps.ts'
import type { Store } from './store.ts'
import { writeTape } from './tape.ts'
import { WriterThread } from './writer-thread.ts'

/**
 * A store in one SQLite file. One thread writes, with one flush to disk for all commits that arrived during the one
 * before; reads are on the calling thread and see every commit that has resolved. Other processes may open the same
 * file. Throws `Failure('provider_unavailable')` when the file cannot be opened.
 */
export async function openSqliteStore(options: { readonly path: string }): Promise<Store> {
  makeFile(options.path)
  const writer = new WriterThread(options.path)
  await writer.ask({ ask: 'open' })
  const reader = openSqliteReader(options.path)
  const group = new GroupCommit(async (commits) => {
    const tape = writeTape(commits)
    const answer = await writer.ask({ ask: 'write', tape }, [tape.bytes.buffer])
    return 'outcomes' in answer ? answer.outcomes : []
  })
  const { close: closeReader, ping: pingReader, ...reads } = reader
  let closing: Promise<void> | undefined
  const close = async () => {
    await group.drain()
    // The reader first: the last one to leave folds the write-ahead log into the file.
    closeReader()
    await writer.ask({ ask: 'close' }).finally(() => writer.end())
  }
  return {
    ...reads,
    commit: async (changes) => group.commit(encodeSteps(changes)),
    prune: async (before, endedBefore, limit) => {
      const [first, second] = [Math.ceil(before), Math.ceil(endedBefore)]
      const answer = await writer.ask({ ask: 'prune', before: first, endedBefore: second, limit })
      return 'pruned' in answer ? answer.pruned : 0
    },
    ping: async () => {
      pingReader()
      await writer.ask({ ask: 'ping' })
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Sealed keys and the log are for the broker's own user alone; SQLite gives its side files the same mode. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}
