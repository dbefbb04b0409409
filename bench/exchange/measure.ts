import { type Child, startChild } from '../child.ts'
import { load } from '../load.ts'

const connections = 32

export interface Figures {
  /** Exchanges a second, by the wall clock. */
  readonly perSecond: number
  /** CPU microseconds for each exchange, all threads. */
  readonly cpu: number
  readonly p50: number
  readonly p99: number
  readonly rssBytes: number
}

export interface ServerUnderTest {
  readonly script: string
  readonly argument: unknown
}

export interface Plan {
  readonly rounds: number
  /** Requests before anything is measured: code that is still being compiled is not what runs in production. */
  readonly warmUp: number
  readonly requests: number
  readonly bodies: (count: number) => readonly Buffer[]
}

/**
 * Starts all servers and measures them in turns, so that whatever else the machine does meets each of them alike.
 * Answers for each server its rounds; the same index is the same moment.
 */
export async function alternate(
  servers: readonly ServerUnderTest[],
  plan: Plan,
): Promise<readonly (readonly Figures[])[]> {
  const children: Child[] = []
  try {
    for (const { script, argument } of servers) children.push(await startChild(script, argument))
    const warm = plan.bodies(plan.warmUp)
    for (const child of children) await load(child.url, warm, connections)
    const figures: Figures[][] = servers.map(() => [])
    for (let round = 0; round < plan.rounds; round++) {
      const bodies = plan.bodies(plan.requests)
      const order = round % 2 === 0 ? [...children.entries()] : [...children.entries()].reverse()
      for (const [i, child] of order) figures[i]?.push(await measure(child, bodies))
    }
    return figures
  } finally {
    for (const child of children) await child.stop()
  }
}

async function measure(child: Child, bodies: readonly Buffer[]): Promise<Figures> {
  const before = await child.usage()
  const result = await load(child.url, bodies, connections)
  const after = await child.usage()
  return {
    perSecond: result.requests / result.seconds,
    cpu: ((after.cpu - before.cpu) * 1e6) / result.requests,
    p50: result.p50,
    p99: result.p99,
    rssBytes: after.rssBytes,
  }
}

/** The round whose CPU cost is the median. */
export function typical(rounds: readonly Figures[]): Figures {
  const sorted = rounds.toSorted((one, other) => one.cpu - other.cpu)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}

/** The median over rounds of how many times the CPU of `other` one exchange of `one` costs. */
export function costRatio(one: readonly Figures[], other: readonly Figures[]): number {
  const ratios = one.map((figures, i) => figures.cpu / (other[i]?.cpu ?? Number.NaN))
  return ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? Number.NaN
}
