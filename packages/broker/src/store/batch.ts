/** Answers of one read for many keys, by key. */
export type ReadMany<T> = (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>

interface Waiting<T> {
  readonly key: string
  readonly resolve: (found: T | undefined) => void
  readonly reject: (reason: unknown) => void
}

/** Keys in one read at most. */
const largest = 1_000

/**
 * Joins single reads that are asked for at the same time into one. A read never joins one that was sent already, so
 * that its answer is never older than its question.
 */
export function batchReads<T>(readMany: ReadMany<T>): (key: string) => Promise<T | undefined> {
  const waiting: Waiting<T>[] = []
  let running = false
  const run = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, largest)
      try {
        const found = await readMany([...new Set(batch.map((each) => each.key))])
        for (const each of batch) each.resolve(found.get(each.key))
      } catch (thrown) {
        for (const each of batch) each.reject(thrown)
      }
    }
    running = false
  }
  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject })
      if (running) return
      running = true
      setImmediate(() => void run())
    })
}
