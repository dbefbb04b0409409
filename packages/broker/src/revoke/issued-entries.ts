import type { Lease } from '../domain.ts'
import type { Store } from '../store/store.ts'

/** Brokers on one store write by their own clocks, and an entry may wait for its commit. */
const slackSeconds = 300
const page = 500

type LogStore = Pick<Store, 'entries' | 'head'>

/**
 * Finds what the log holds of the exchanges that gave leases, by lease. Entries are in the order of time, about, and
 * leases of one call should be of about one time: what lies between is read.
 */
export function openIssuedEntries(
  store: LogStore,
): (leases: readonly Lease[]) => Promise<ReadonlyMap<string, unknown>> {
  return async (leases) => {
    const found = new Map<string, unknown>()
    if (leases.length === 0) return found
    const wanted = new Set(leases.map(({ id }) => id))
    const times = leases.map(({ createdAt }) => createdAt)
    const last = (Math.max(...times) + slackSeconds) * 1000
    const { size } = await store.head()
    let at = await firstSince(store, size, (Math.min(...times) - slackSeconds) * 1000)
    while (at < size && wanted.size > 0) {
      const entries = await store.entries(at, page)
      if (entries.length === 0) break
      let latest = 0
      for (const { bytes } of entries) {
        const entry = parsed(bytes)
        latest = timeOf(entry)
        const lease = leaseOf(entry)
        if (lease !== undefined && wanted.delete(lease)) found.set(lease, entry)
      }
      if (latest > last) break
      at += entries.length
    }
    return found
  }
}

/** The first position whose entry is not older than this. */
async function firstSince(store: LogStore, size: number, sinceMs: number): Promise<number> {
  let [low, high] = [0, size]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [entry] = await store.entries(middle, 1)
    if (entry !== undefined && timeOf(parsed(entry.bytes)) < sinceMs) low = middle + 1
    else high = middle
  }
  return low
}

interface Members {
  readonly at?: unknown
  readonly type?: unknown
  readonly lease?: unknown
}

function parsed(bytes: Uint8Array): Members {
  return JSON.parse(new TextDecoder().decode(bytes)) as Members
}

function timeOf({ at }: Members): number {
  return typeof at === 'number' ? at : 0
}

function leaseOf({ type, lease }: Members): string | undefined {
  const given = type === 'credential.issued' || type === 'credential.pending'
  return given && typeof lease === 'string' ? lease : undefined
}
