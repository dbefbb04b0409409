import type { DatabaseSync } from 'node:sqlite'

/** Bytes that must fit after a write failed: more than any one group of commits that is likely to come next. */
const roomBytes = 1_048_576

/** Whether the file takes writes. Each call is one durable transaction of its own. */
export interface Probe {
  /** Remembers that a write failed: the next check asks for room, not only for one page. */
  failed(): void
  /** Throws when the file takes no writes, or has too little room since a write failed. */
  check(): void
}

/**
 * A full disk still takes what fits into pages that are there already, so a small write alone would call a broker
 * ready that fails at its next exchange, and then again. What is asked for after a failure stays in the file as free
 * pages, for later commits.
 */
export function openProbe(database: DatabaseSync, inTransaction: (work: () => void) => void): Probe {
  const write = database.prepare(
    `INSERT INTO probe (one, turn, room) VALUES (1, 0, zeroblob(?))
     ON CONFLICT (one) DO UPDATE SET turn = turn + 1, room = excluded.room`,
  )
  let doubtful = false
  return {
    failed: () => {
      doubtful = true
    },
    check: () => {
      if (doubtful) {
        inTransaction(() => void write.run(roomBytes))
        doubtful = false
      }
      inTransaction(() => void write.run(0))
    },
  }
}
