import { randomBytes } from 'node:crypto'
import { type Log, silent, type Tools } from '../../packages/broker/src/base/tools.ts'

/** Tools whose time stands still until a test moves it. */
export interface FakeTools extends Tools {
  /** Moves the time and runs what came due, in order; timers that those set and that are due run too. */
  advance(ms: number): void
  /** How many timers wait. */
  waiting(): number
}

/** Starts at `startMs`, 2026-09-21 when absent. */
export function fakeTools(startMs = 1_790_000_000_000, log: Log = silent): FakeTools {
  let now = startMs
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  return {
    now: () => now,
    randomBytes,
    log,
    after(ms, run) {
      const timer = { at: now + ms, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.run()
      }
      now = end
    },
    waiting: () => timers.size,
  }
}
