import type { Tools } from '../base/tools.ts'
import type { Store } from '../store/store.ts'

/** What still has to be taken back where it was made. */
export interface Stuck {
  /** At most a thousand are counted. */
  readonly leases: number
  /** Seconds since the oldest should have been gone; 0 when there is none. */
  readonly oldestSeconds: number
}

const most = 1000

/** Leases that ended here and not yet where they were made. */
export async function stuckLeases(store: Pick<Store, 'leases'>, tools: Pick<Tools, 'now'>): Promise<Stuck> {
  const leases = await store.leases({ states: ['stuck'], limit: most })
  const since = leases.map(({ endedAt, expiresAt }) => endedAt ?? expiresAt)
  const oldest = leases.length === 0 ? 0 : Math.floor(tools.now() / 1000) - Math.min(...since)
  return { leases: leases.length, oldestSeconds: Math.max(0, oldest) }
}
