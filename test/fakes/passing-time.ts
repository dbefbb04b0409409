import type { FakeTools } from './clock.ts'

/**
 * Moves the time of brokers that are open by now, step by step as they live, and lets what they do by themselves
 * (read keys, sweep, sign heads) come to its end before the next step.
 */
export function passingTime(tools: FakeTools): (ms: number, stepMs?: number) => Promise<void> {
  const timers = tools.waiting()
  return async (ms, stepMs = 10_000) => {
    for (let left = ms; left > 0; left -= stepMs) {
      tools.advance(Math.min(left, stepMs))
      // A round that is over plans the next one.
      for (let turn = 0; tools.waiting() < timers && turn < 2_000; turn++) {
        await new Promise((resolve) => setTimeout(resolve, turn < 20 ? 0 : 1))
      }
    }
  }
}
