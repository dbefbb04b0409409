/**
 * policy-end: a changed policy takes back what it would not give. It finds the leases that another policy gave, and what
 * the log holds of each; whether the policy in force still gives one is asked of whoever opened it. It decides nothing
 * and ends leases through `revoke.ts` alone. `live-policy.ts` calls it at the start and after every change.
 */
import { setImmediate } from 'node:timers/promises'
import type { Tools } from '../base/tools.ts'
import type { Lease, LeaseState } from '../domain.ts'
import type { LeaseFilter, Store } from '../store/store.ts'
import { openIssuedEntries } from './issued-entries.ts'
import { inParallel } from './parallel.ts'
import type { Revoke } from './revoke.ts'

export interface PolicyEndParts {
  readonly store: Pick<Store, 'leases' | 'entries' | 'head'>
  readonly revoke: Pick<Revoke, 'endLease'>
  /** The policy in force, as `Lease.terms` names it. */
  readonly policy: () => string
  /** Why it would not give this lease; `undefined` when it would. `entry`: what the log holds of its exchange. */
  readonly why: (lease: Lease, entry: unknown) => string | undefined
  readonly tools: Pick<Tools, 'log' | 'after'>
}

export interface PolicyEnd {
  /** Looks at all leases; resolves when those that have to end were ended. Joins a look that is under way. */
  look(): Promise<void>
  close(): Promise<void>
}

const alive: readonly LeaseState[] = ['pending', 'active']
const page = 200
const width = 16
const againMs = 30_000

/** Opens it; nothing happens before `look`. What fails is tried again. */
export function openPolicyEnd(parts: PolicyEndParts): PolicyEnd {
  const { tools } = parts
  let running: Promise<void> | undefined
  let closed = false
  let cancel = () => {}
  const round = async (): Promise<void> => {
    try {
      // The policy may change while we look: then those of the one between have to be looked at too.
      for (let before: string | undefined; !closed && before !== parts.policy(); ) {
        before = parts.policy()
        const ended = await endUngranted(parts, before, () => closed)
        if (ended > 0) tools.log.warn('leases ended that the policy would not give any more', { ended })
      }
    } catch (cause) {
      tools.log.error('leases of an earlier policy could not be looked at; it is tried again', { cause })
      if (!closed) cancel = tools.after(againMs, () => void look())
    }
  }
  const look = (): Promise<void> => {
    cancel()
    running ??= round().finally(() => {
      running = undefined
    })
    return running
  }
  return {
    look,
    async close() {
      closed = true
      cancel()
      await running
    },
  }
}

async function endUngranted(
  { store, revoke, why, tools }: PolicyEndParts,
  policy: string,
  stopped: () => boolean,
): Promise<number> {
  const entryOf = openIssuedEntries(store)
  let ended = 0
  let failed: unknown
  for (let after: string | undefined; !stopped(); ) {
    const filter: LeaseFilter = { states: alive, notOfPolicy: policy, limit: page }
    const leases = await store.leases({ ...filter, ...(after === undefined ? {} : { after }) })
    const entries = await entryOf(leases)
    await inParallel(leases, width, async (lease) => {
      const reason = why(lease, entries.get(lease.id))
      if (reason === undefined) return
      try {
        if ((await revoke.endLease(lease, 'policy', reason)) !== 'already') ended++
      } catch (cause) {
        tools.log.error('a lease could not be ended', { lease: lease.id, cause })
        failed ??= cause
      }
    })
    after = leases.at(-1)?.id
    // A million leases must not keep requests waiting.
    await setImmediate()
    if (leases.length < page || after === undefined) break
  }
  if (failed !== undefined) throw failed
  return ended
}
