import { asFailure, Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'

/** Calls at once to one place: what takes back must not fell it. */
const WIDTH = 8
const FAILURES_IN_A_ROW = 3
const PAUSE_MS = 5_000
/** A place that fails at once keeps nobody waiting, and its next answer may be another. */
const SLOW_MS = 1_000

interface Lane {
  running: number
  failures: number
  /** Milliseconds since 1970; before it nothing is tried. */
  closedUntil: number
  readonly waiting: (() => void)[]
}

/** Taking back, one lane for each place: where one is slow or down, the others do not wait for it. */
export interface Lanes {
  /**
   * Runs `work` in the lane of `place`, when its turn comes. Throws what it throws, and `provider_unavailable` at once
   * while the place is paused after slow failures in a row; after the pause one goes ahead and the others see how it fares.
   */
  run<T>(place: string, work: () => Promise<T>): Promise<T>
}

export function openLanes(tools: Pick<Tools, 'now'>): Lanes {
  const lanes = new Map<string, Lane>()
  return {
    async run(place, work) {
      const lane = lanes.get(place) ?? { running: 0, failures: 0, closedUntil: 0, waiting: [] }
      lanes.set(place, lane)
      await turn(lane, place, tools)
      const begun = tools.now()
      try {
        const result = await work()
        lane.failures = 0
        return result
      } catch (thrown) {
        note(lane, thrown, begun, tools)
        throw thrown
      } finally {
        lane.running--
        const next = isClosed(lane, tools) ? lane.waiting.splice(0) : lane.waiting.splice(0, 1)
        for (const go of next) go()
        if (lane.running === 0 && lane.waiting.length === 0 && lane.failures === 0) lanes.delete(place)
      }
    },
  }
}

/** Counts as running from the moment it returns: nobody comes between. */
async function turn(lane: Lane, place: string, tools: Pick<Tools, 'now'>): Promise<void> {
  for (;;) {
    const probing = lane.failures >= FAILURES_IN_A_ROW && lane.running > 0
    if (isClosed(lane, tools) || probing)
      throw new Failure('provider_unavailable', { reason: `${place} is paused after failures in a row` })
    if (lane.running < WIDTH) {
      lane.running++
      return
    }
    await new Promise<void>((go) => lane.waiting.push(go))
  }
}

function isClosed(lane: Lane, tools: Pick<Tools, 'now'>): boolean {
  return tools.now() < lane.closedUntil
}

/** A place that refuses one credential answers; only one that makes us wait for nothing is paused. */
function note(lane: Lane, thrown: unknown, begun: number, tools: Pick<Tools, 'now'>): void {
  const silent = asFailure(thrown).code === 'provider_unavailable' && tools.now() - begun >= SLOW_MS
  lane.failures = silent ? lane.failures + 1 : 0
  if (lane.failures >= FAILURES_IN_A_ROW) lane.closedUntil = tools.now() + PAUSE_MS
}
