import { startChild } from '../child.ts'
import { type LoadResult, load } from '../load.ts'

export interface Figures {
  /** Exchanges a second, by the wall clock. */
  readonly perSecond: number
  /** Exchanges for each second of CPU time, all threads. */
  readonly perCpuSecond: number
  readonly p50: number
  readonly p99: number
  readonly rssBytes: number
}

/** Starts a server, warms it up with `warm`, measures it with `bodies`, ends it. */
export async function measure(
  script: string,
  argument: unknown,
  warm: readonly Buffer[],
  bodies: readonly Buffer[],
): Promise<Figures> {
  const child = await startChild(script, argument)
  try {
    await load(child.url, warm, 32)
    const before = await child.usage()
    const result: LoadResult = await load(child.url, bodies, 32)
    const after = await child.usage()
    return {
      perSecond: result.requests / result.seconds,
      perCpuSecond: result.requests / (after.cpu - before.cpu),
      p50: result.p50,
      p99: result.p99,
      rssBytes: after.rssBytes,
    }
  } finally {
    await child.stop()
  }
}

/** The figures whose `perCpuSecond` is the median. */
export function median(all: readonly Figures[]): Figures {
  const sorted = all.toSorted((a, b) => a.perCpuSecond - b.perCpuSecond)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}
