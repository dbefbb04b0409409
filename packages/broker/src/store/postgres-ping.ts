import { DatabaseError, type Pool, type QueryResult } from 'pg'
import { unavailable } from './group.ts'

/** How far the database's clock and ours may be apart, in ms: what is spent is forgotten by one and looked up by all. */
const apartMs = 30_000

/** One transaction: waits for the row that every commit locks, for less time than a probe waits. Nothing is written. */
const locked = `
SET LOCAL lock_timeout = 1500;
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now FROM mayfly.tree FOR UPDATE`

/** Throws when commits could not be made: no writes, a row that another session holds, a clock that is wrong. */
export async function pingDatabase(client: Pool, now: () => number): Promise<void> {
  const sent = now()
  const ask = () => client.query(locked)
  // Once more after an error that is not an answer: the first try may meet a connection that a restart has ended.
  const answer = await ask().catch((thrown: unknown) => {
    if (thrown instanceof DatabaseError && thrown.code === '55P03') throw thrown
    return ask()
  })
  const results = answer as unknown as readonly QueryResult<{ now: number }>[]
  const theirs = results.at(-1)?.rows[0]?.now
  if (theirs === undefined) throw unavailable('the row of the tree is missing')
  // The answer was made at some moment between: what the way took is no difference.
  const apart = Math.max(sent - theirs, theirs - now())
  if (apart > apartMs) {
    const seconds = Math.round(apart / 1000)
    throw unavailable(`the clocks of the broker and of the database are ${seconds} seconds apart`)
  }
}
