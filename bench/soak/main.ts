/** `npm run bench -- soak`: a day of mixed traffic in six minutes, and what the broker holds before and after. */
import { soak } from '../../test/fakes/soak.ts'

/** Runs it. */
export async function benchSoak(): Promise<{ figures: Record<string, number>; lines: readonly string[] }> {
  const { before, after, jobs, tally, hourly } = await soak(24)
  const row = (name: keyof typeof before) => `${name.padEnd(14)}${before[name]} -> ${after[name]}`
  const names = ['heap', 'buffers', 'rss', 'descriptors', 'sockets', 'timers'] as const
  return {
    figures: {
      jobs,
      heap_growth: (after.heap + after.buffers) / (before.heap + before.buffers),
      rss_growth: after.rss / before.rss,
      descriptors_more: after.descriptors - before.descriptors,
      sockets_more: after.sockets - before.sockets,
    },
    lines: [
      `${jobs} jobs in a day; what the broker held after a fifth of it, and at its end:`,
      ...names.map(row),
      `heap after each hour, MB: ${hourly.map((bytes) => (bytes / 1e6).toFixed(1)).join(' ')}`,
      ...[...tally].map(([what, times]) => `  ${what.padEnd(24)}${times}`),
    ],
  }
}
