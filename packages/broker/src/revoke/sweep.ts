import type { Tools } from '../base/tools.ts'
import type { Lease } from '../domain.ts'
import type { Store } from '../store/store.ts'
import { inParallel } from './parallel.ts'
import type { Ended, Revoke } from './revoke.ts'
import type { Switches } from './switches.ts'

export interface SweepParts {
  readonly store: Pick<Store, 'dueLeases' | 'leases' | 'prune'>
  readonly revoke: Pick<Revoke, 'endLease' | 'retry'>
  /** What was switched off while this broker was away. */
  readonly switches?: Pick<Switches, 'finish'>
  readonly tools: Tools
  /** Seconds between rounds; 5 when absent. */
  readonly everySeconds?: number
  /** What is pending longer was left by a crash; 120 when absent. */
  readonly issueSeconds?: number
  /** How long ended leases stay for `leases list`; 30 days when absent. The log keeps them for good. */
  readonly keepEndedSeconds?: number
  /** The most of each sort in one round; 200 when absent. */
  readonly batch?: number
}

/** What one round did. */
export interface SweepRound {
  readonly expired: number
  /** Left pending by a crash, and ended. */
  readonly failed: number
  /** Stuck ones that are ended at last. */
  readonly freed: number
  /** Stuck ones that were tried and still are. */
  readonly stuck: number
  readonly pruned: number
}

export interface Sweep {
  /** One round. Rounds never overlap: a call while one runs joins it. */
  round(): Promise<SweepRound>
  /** No further round; resolves when the running one is over. */
  close(): Promise<void>
}

const width = 16
const soonMs = 50
const firstWaitMs = 5_000
/** How much later than it could, what was spent or ended is forgotten: another broker's clock may be behind ours. */
const forgetLate = 900
const longestWaitMs = 15 * 60_000
/** What is stuck longer is nothing that passes by itself. */
const alarmSeconds = 300

/** Starts sweeping: what is due expires, what a crash left is taken back, what was stuck is tried again. */
export function openSweep(parts: SweepParts): Sweep {
  const batch = parts.batch ?? 200
  const stuck = new StuckLeases(parts, batch)
  let running: Promise<SweepRound> | undefined
  let closed = false
  let cancel = () => {}

  const round = (): Promise<SweepRound> => {
    running ??= runRound(parts, stuck, batch).finally(() => {
      running = undefined
    })
    return running
  }
  const plan = (ms: number) => {
    if (closed) return
    cancel = parts.tools.after(ms, () => {
      void round().then((done) => {
        const more = done.expired >= batch || done.failed >= batch || done.pruned >= batch
        plan(more ? soonMs : (parts.everySeconds ?? 5) * 1000)
      })
    })
  }
  plan((parts.everySeconds ?? 5) * 1000)
  return {
    round,
    async close() {
      closed = true
      cancel()
      await running
    },
  }
}

async function runRound(parts: SweepParts, stuck: StuckLeases, batch: number): Promise<SweepRound> {
  const now = Math.floor(parts.tools.now() / 1000)
  const expired = await step(parts, 'expiry', async () => {
    const due = await parts.store.dueLeases(now, batch)
    return await endAll(parts, due, (lease) =>
      parts.revoke.endLease(lease, lease.state === 'pending' ? 'failed' : 'expired'),
    )
  })
  const failed = await step(parts, 'pending', async () => {
    const pending = await parts.store.leases({ states: ['pending'], limit: batch })
    const old = pending.filter((lease) => lease.createdAt < now - (parts.issueSeconds ?? 120))
    return await endAll(parts, old, (lease) => parts.revoke.endLease(lease, 'failed'))
  })
  await step(parts, 'switches', async () => {
    await parts.switches?.finish()
    return 0
  })
  const freed = await step(parts, 'stuck', () => stuck.round())
  const ended = now - (parts.keepEndedSeconds ?? 30 * 86_400)
  const pruned = await step(parts, 'prune', () => parts.store.prune(now - forgetLate, ended, batch))
  return { expired, failed, freed, stuck: stuck.tried, pruned }
}

/** One fault must not keep the others waiting: each step stands alone. */
async function step(parts: SweepParts, name: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (cause) {
    parts.tools.log.error('a step of the sweep failed', { step: name, cause })
    return 0
  }
}

async function endAll(
  parts: SweepParts,
  leases: readonly Lease[],
  end: (lease: Lease) => Promise<Ended>,
): Promise<number> {
  let count = 0
  await inParallel(leases, width, async (lease) => {
    try {
      await end(lease)
      count += 1
    } catch (cause) {
      parts.tools.log.error('a lease could not be ended', { lease: lease.id, cause })
    }
  })
  return count
}

/** Stuck leases, tried again and again with growing pauses. What is remembered here may be lost: then all are tried. */
class StuckLeases {
  tried = 0
  readonly #parts: SweepParts
  readonly #batch: number
  readonly #waits = new Map<string, { readonly ms: number; readonly until: number }>()
  readonly #alarmed = new Set<string>()
  #after: string | undefined

  constructor(parts: SweepParts, batch: number) {
    this.#parts = parts
    this.#batch = batch
  }

  /** The next page of them, whose turn it is; answers how many are free now. */
  async round(): Promise<number> {
    const now = this.#parts.tools.now()
    const after = this.#after === undefined ? {} : { after: this.#after }
    const found = await this.#parts.store.leases({ states: ['stuck'], limit: this.#batch, ...after })
    this.#after = found.length < this.#batch ? undefined : found.at(-1)?.id
    for (const [id, wait] of this.#waits) if (wait.until < now - longestWaitMs) this.#waits.delete(id)
    const due = found.filter((lease) => (this.#waits.get(lease.id)?.until ?? 0) <= now)
    this.tried = 0
    let freed = 0
    await inParallel(due, width, async (lease) => {
      if ((await this.#try(lease)) === 'stuck') this.tried += 1
      else freed += 1
    })
    return freed
  }

  async #try(lease: Lease): Promise<Ended> {
    const since = lease.endedAt ?? lease.expiresAt
    const old = Math.floor(this.#parts.tools.now() / 1000) - since > alarmSeconds
    // Once for each process: the entry of its first failure may have been lost with another one.
    const record = old && !this.#alarmed.has(lease.id)
    const ended = await this.#parts.revoke.retry(lease, record).catch((cause: unknown) => {
      this.#parts.tools.log.error('a stuck lease could not be tried', { lease: lease.id, cause })
      return 'stuck' as const
    })
    if (ended === 'stuck') {
      const ms = Math.min(longestWaitMs, (this.#waits.get(lease.id)?.ms ?? firstWaitMs / 2) * 2)
      this.#waits.set(lease.id, { ms, until: this.#parts.tools.now() + ms })
      if (old) this.#alarm(lease, since)
    } else {
      this.#waits.delete(lease.id)
      this.#alarmed.delete(lease.id)
    }
    return ended
  }

  #alarm({ id, target, kind }: Lease, since: number): void {
    this.#alarmed.add(id)
    this.#parts.tools.log.error('ALARM: a credential cannot be taken back where it was made', {
      ...{ lease: id, target, kind },
      since: new Date(since * 1000).toISOString(),
    })
  }
}
