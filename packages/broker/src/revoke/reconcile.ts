/**
 * reconcile: webhooks get lost. Of leases that are some minutes old it asks the platform whether their job still runs,
 * run by run, and ends the jobs that are over as if their webhook had come. What cannot be told ends nothing: the lease
 * has its time. It ends through `revoke.ts` alone. `broker.ts` opens it where the configuration says whom to ask.
 */
import type { Tools } from '../base/tools.ts'
import type { Lease, LeaseState } from '../domain.ts'
import type { Store } from '../store/store.ts'
import { inParallel } from './parallel.ts'
import type { Revoke } from './revoke.ts'

/** What the platform says of a run; `undefined` = it knows none, or does not show it. */
export interface RunNow {
  /** Every job of it is over. */
  readonly over: boolean
  /** Ids of those that are. */
  readonly ended: readonly string[]
}

export interface ReconcileParts {
  readonly store: Pick<Store, 'leases'>
  readonly endJob: Revoke['endJob']
  /** Configured names of the issuers whose platform can be asked. */
  readonly issuers: readonly string[]
  /** Asks the platform of an issuer. Throws when it does not answer. */
  readonly ask: (issuer: string, repository: string, run: string) => Promise<RunNow | undefined>
  readonly tools: Tools
  /** Seconds between rounds; 300 when absent. */
  readonly everySeconds?: number
  /** Seconds for which a webhook may be on its way; 600 when absent. */
  readonly olderSeconds?: number
}

export interface Reconcile {
  /** One round; answers how many leases ended by it. Joins one that is under way. */
  round(): Promise<number>
  close(): Promise<void>
}

interface Run {
  readonly issuer: string
  readonly repository: string
  readonly run: string
  /** Jobs of it that have leases; a lease of a job without id ends with the run. */
  readonly ids: Set<string>
}

const via = 'github-asked'
const alive: readonly LeaseState[] = ['pending', 'active']
const page = 200
/** Questions at once, and in one round: GitHub counts them by the hour, and others need some as well. */
const width = 4
const mostRuns = 200

/** Starts asking; the first round comes after one pause. */
export function openReconcile(parts: ReconcileParts): Reconcile {
  const { tools } = parts
  const everyMs = (parts.everySeconds ?? 300) * 1000
  let running: Promise<number> | undefined
  let closed = false
  let cancel = () => {}
  /** Where the next round goes on when there was too much for one. */
  const place: { after?: string } = {}
  const round = (): Promise<number> => {
    running ??= askRound(parts, place).finally(() => {
      running = undefined
    })
    return running
  }
  const plan = () => {
    if (closed) return
    cancel = tools.after(everyMs, () => {
      void round()
        .catch((cause: unknown) => tools.log.error('jobs could not be asked for', { cause }))
        .finally(plan)
    })
  }
  plan()
  return {
    round,
    async close() {
      closed = true
      cancel()
      await running?.catch(() => undefined)
    },
  }
}

async function askRound(parts: ReconcileParts, place: { after?: string }): Promise<number> {
  let total = 0
  const runs = await oldRuns(parts, place)
  await inParallel([...runs.values()], width, async (run) => {
    try {
      total += await reconcileRun(parts, run)
    } catch (cause) {
      const { issuer, repository } = run
      parts.tools.log.warn('a run could not be asked for', { issuer, repository, run: run.run, cause })
    }
  })
  return total
}

/** Runs of leases that are old enough. Ids of leases are in the order of time. */
async function oldRuns(parts: ReconcileParts, place: { after?: string }): Promise<ReadonlyMap<string, Run>> {
  const runs = new Map<string, Run>()
  const before = Math.floor(parts.tools.now() / 1000) - (parts.olderSeconds ?? 600)
  for (;;) {
    const from = place.after === undefined ? {} : { after: place.after }
    const leases = await parts.store.leases({ states: alive, limit: page, ...from })
    for (const lease of leases) if (lease.createdAt < before) note(parts, runs, lease)
    const last = leases.at(-1)
    const over = leases.length < page || last === undefined || last.createdAt >= before
    if (over) delete place.after
    else place.after = last.id
    if (over || runs.size >= mostRuns) return runs
  }
}

function note({ issuers }: ReconcileParts, runs: Map<string, Run>, { job, repository }: Lease): void {
  if (job?.run === undefined || repository === undefined || !issuers.includes(job.issuer)) return
  const key = JSON.stringify([job.issuer, repository, job.run])
  const run = runs.get(key) ?? { issuer: job.issuer, repository, run: job.run, ids: new Set<string>() }
  if (job.id !== undefined) run.ids.add(job.id)
  runs.set(key, run)
}

async function reconcileRun(
  { ask, endJob, tools }: ReconcileParts,
  { issuer, repository, run, ids }: Run,
): Promise<number> {
  const now = await ask(issuer, repository, run)
  if (now === undefined) {
    tools.log.warn('a run is not there, or not shown', { issuer, repository, run })
    return 0
  }
  const over = now.over
    ? [{ issuer, run }]
    : now.ended.filter((id) => ids.has(id)).map((id) => ({ issuer, id, run }))
  let leases = 0
  for (const job of over) leases += await endJob(job, via)
  if (leases > 0) tools.log.warn('jobs ended without a webhook', { issuer, repository, run, leases })
  return leases
}
