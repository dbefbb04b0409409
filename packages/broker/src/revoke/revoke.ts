/**
 * revoke: take it back. It ends leases: at the caller's word, when the job ends, when their time is over, when
 * issuing failed. What exists elsewhere is taken back there, as often as it takes; every end is in the log, once.
 * It never issues and never decides who may ask. The doors, the exchange and the sweep call it.
 */
import { asFailure, Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent, EndCause, Job, Lease, LeaseState } from '../domain.ts'
import type { Handle, Target } from '../issue/target.ts'
import { type Change, Conflict, type Store } from '../store/store.ts'
import { type Lanes, openLanes } from './lanes.ts'
import { inParallel } from './parallel.ts'
import { withinTime } from './time-limit.ts'

export interface RevokeParts {
  readonly store: Pick<Store, 'commit' | 'lease' | 'leases'>
  readonly target: (kind: string) => Target | undefined
  readonly openHandle: (lease: Lease) => Handle
  readonly record: (event: AuditEvent) => Change
  readonly tools: Tools
  /** How long issuing may take; what is pending longer was left by a crash. 120 when absent. */
  readonly issueSeconds?: number
  /** How long an ended job stays known, longer than any of its tokens live. Two days when absent. */
  readonly rememberJobSeconds?: number
}

/**
 * `ended`: by this call. `already`: before it. `stuck`: it works nowhere that we control, and still has to be taken
 * back where it was made; the sweep goes on trying.
 */
export type Ended = 'ended' | 'already' | 'stuck'

export interface Revoke {
  /** Ends one lease. Idempotent; of calls at once exactly one answers `ended`. */
  endLease(lease: Lease, by: EndCause, detail?: string): Promise<Ended>
  /** Tries a stuck lease again. `record`: that it still is stuck gets an entry of its own. */
  retry(lease: Lease, record?: boolean): Promise<Ended>
  /**
   * For the exchange, once `issue` is over and failed: takes back whatever it left, even if the lease ended meanwhile.
   * The lease's handle is kept: it may say more than the one that was prepared. `nothing`: the target is certain.
   */
  abandon(lease: Lease, left?: 'unknown' | 'nothing'): Promise<void>
  /** Ends a job for good: no lease of it is left and no new one can come. Answers how many this call ended. */
  endJob(job: Job, via: string): Promise<number>
}

const alive: readonly LeaseState[] = ['pending', 'active']
const unfinished: readonly LeaseState[] = [...alive, 'stuck']
const everywhere = 8
/** How long a provider has to answer. */
const answerMs = 30_000
const page = 200
const jobRounds = 50
/** What ends later than this after its time is told as late. */
const lateSeconds = 60

type Parts = RevokeParts & { readonly lanes: Lanes }

/** Builds the room. Failures of providers are logged and end in `stuck`; failures of the store are thrown. */
export function openRevoke(given: RevokeParts): Revoke {
  const parts = { ...given, lanes: openLanes(given.tools) }
  return {
    endLease: async (lease, by, detail) => {
      if (!unfinished.includes(lease.state)) return 'already'
      if (!isElsewhere(parts, lease)) return await commitEnd(parts, lease, unfinished, by, detail)
      if (lease.state === 'stuck') return await takeBack(parts, lease, lease.state, causeOf(lease), false)
      // First of all it stops working here and can't become active any more; a crash from here on is the sweep's.
      const held = await commits(parts, [hold(parts, lease, by)])
      if (!held) return 'already'
      const now = await asHeld(parts, lease)
      return await takeBack(parts, now, now.state, by, true, detail)
    },
    retry: (lease, record = false) => takeBack(parts, lease, 'stuck', causeOf(lease), record),
    abandon: (lease, left = 'unknown') => abandon(parts, lease, left),
    endJob: (job, via) => endJob(parts, job, via),
  }
}

/** Whether something was made outside this process. Of a kind that is gone nobody knows, so it counts as made. */
function isElsewhere(parts: Parts, lease: Lease): boolean {
  const target = parts.target(lease.kind)
  return target === undefined || target.revoke !== undefined
}

function causeOf(lease: Lease): EndCause {
  const known: readonly EndCause[] = [
    ...(['expired', 'caller', 'job_end', 'operator', 'failed', 'policy', 'switch'] as const),
  ]
  return known.find((cause) => cause === lease.endedBy) ?? 'failed'
}

/** Over here, from now on; when it is over everywhere, that time takes the place of this one. */
function hold(parts: Parts, lease: Lease, by: EndCause): Change {
  const endedAt = seconds(parts.tools)
  return { kind: 'lease.move', id: lease.id, from: alive, to: 'stuck', endedAt, endedBy: by }
}

/**
 * The lease as it was when it was held. Between reading and holding it issuing may have come to its end: then it was
 * active, and its handle says what only the answer of the place did. Where the handle is the same, so is what has to be done.
 */
async function asHeld(parts: Parts, lease: Lease): Promise<Lease> {
  const handle = (await parts.store.lease(lease.id))?.handle
  if (handle === undefined || Buffer.compare(handle, lease.handle) === 0) return lease
  return { ...lease, handle, state: 'active' }
}

function ending(parts: Parts, lease: Lease, from: readonly LeaseState[], by: EndCause, detail?: string) {
  const to: LeaseState = by === 'expired' ? 'expired' : 'revoked'
  const moved: Change = {
    kind: 'lease.move',
    id: lease.id,
    from,
    to,
    endedAt: seconds(parts.tools),
    endedBy: by,
  }
  const said = [detail, by === 'failed' ? undefined : outliving(parts, lease)].filter(
    (each) => each !== undefined,
  )
  return [
    moved,
    parts.record({
      ...ended(lease, to, by, said.length === 0 ? undefined : said.join('; ')),
      ...lateness(parts, lease),
    }),
  ]
}

/** Of what is elsewhere: it worked for so much longer than it should have. Here its time is checked at each use. */
function lateness(parts: Parts, lease: Lease): { readonly late?: number } {
  const late = seconds(parts.tools) - lease.expiresAt
  return late > lateSeconds && isElsewhere(parts, lease) ? { late } : {}
}

/** What the end does not end: no fault in saying so may keep the lease alive. */
function outliving(parts: Parts, lease: Lease): string | undefined {
  const target = parts.target(lease.kind)
  if (target?.outlives === undefined) return undefined
  try {
    return target.outlives(parts.openHandle(lease))
  } catch (cause) {
    parts.tools.log.warn('what outlives a lease cannot be told', { lease: lease.id, cause })
    return 'it may go on working where it was made'
  }
}

function ended(lease: Lease, state: LeaseState, by: EndCause, detail: string | undefined): AuditEvent {
  return {
    type: 'lease.ended',
    lease: lease.id,
    target: lease.target,
    state,
    by,
    ...(detail === undefined ? {} : { detail }),
    ...(lease.job === undefined ? {} : { job: lease.job }),
  }
}

async function commitEnd(
  parts: Parts,
  lease: Lease,
  from: readonly LeaseState[],
  by: EndCause,
  detail?: string,
): Promise<Ended> {
  return (await commits(parts, ending(parts, lease, from, by, detail))) ? 'ended' : 'already'
}

/** False when the world was not as these changes assumed. */
async function commits(parts: Parts, changes: readonly Change[]): Promise<boolean> {
  try {
    await parts.store.commit(changes)
    return true
  } catch (thrown) {
    if (thrown instanceof Conflict) return false
    throw thrown
  }
}

/** Takes a held lease back where it was made. `was`: its state before it was held. */
async function takeBack(
  parts: Parts,
  lease: Lease,
  was: LeaseState,
  by: EndCause,
  first: boolean,
  detail?: string,
): Promise<Ended> {
  try {
    await revokeAtTarget(parts, lease)
  } catch (thrown) {
    const { reason } = asFailure(thrown)
    parts.tools.log.warn('a credential could not be taken back', { lease: lease.id, cause: thrown })
    // Once is enough for the log: the end will have its own entry.
    if (first) await parts.store.commit([parts.record(ended(lease, 'stuck', by, reason))])
    return 'stuck'
  }
  // While it may still be being issued, what we took back may be made a moment later: the sweep comes again.
  const issuedBy = lease.createdAt + (parts.issueSeconds ?? 120)
  if (was !== 'active' && seconds(parts.tools) < issuedBy) return 'stuck'
  return await commitEnd(parts, lease, ['stuck'], by, detail)
}

async function revokeAtTarget(parts: Parts, lease: Lease): Promise<void> {
  const target = parts.target(lease.kind)
  if (target === undefined) throw new Failure('internal', { reason: `no target of kind ${lease.kind}` })
  const { revoke } = target
  if (revoke === undefined) return
  const handle = parts.openHandle(lease)
  // Revoking is idempotent: one that was given up and one that follows may meet. One that hangs must not stop the sweep.
  await parts.lanes.run(lease.target, () =>
    withinTime(parts.tools, answerMs, () => revoke.call(target, handle)),
  )
}

async function abandon(parts: Parts, lease: Lease, left: 'unknown' | 'nothing'): Promise<void> {
  if (left === 'nothing' || !isElsewhere(parts, lease))
    return void (await commitEnd(parts, lease, unfinished, 'failed'))
  // Whatever ended the lease meanwhile may have been too early to find anything there: hold it in any state.
  const from: readonly LeaseState[] = [...alive, 'revoked', 'expired']
  const held = { kind: 'lease.move', id: lease.id, to: 'stuck', handle: lease.handle } as const
  // Where something else holds it already, that stays the cause of its end.
  const endedAt = seconds(parts.tools)
  if (!(await commits(parts, [{ ...held, from, endedAt, endedBy: 'failed' }])))
    await commits(parts, [{ ...held, from: ['stuck'] }])
  // Issuing is over, so what is taken back now stays taken back.
  await takeBack(parts, lease, 'active', 'failed', true)
}

/** The tombstone, the entry and the end of every lease in one commit: a crash leaves all of it or nothing. */
async function endJob(parts: Parts, job: Job, via: string): Promise<number> {
  if (job.id === undefined && job.run === undefined)
    throw new Failure('internal', { reason: 'a job without id and run cannot end' })
  const until = seconds(parts.tools) + (parts.rememberJobSeconds ?? 2 * 86_400)
  let known = false
  let total = 0
  for (let round = 0; round < jobRounds; round++) {
    const leases = await parts.store.leases({ states: alive, job, limit: page })
    if (known && leases.length === 0) return total
    const elsewhere = leases.filter((lease) => isElsewhere(parts, lease))
    const committed = await commits(parts, [
      ...(known ? [] : tombstone(parts, job, until, via, leases.length)),
      ...leases.flatMap((lease) =>
        elsewhere.includes(lease) ? [hold(parts, lease, 'job_end')] : ending(parts, lease, alive, 'job_end'),
      ),
    ])
    // Somebody else ended one of them in this moment: look again.
    if (!committed) continue
    known = true
    total += leases.length
    await inParallel(elsewhere, everywhere, async (lease) => {
      const now = await asHeld(parts, lease)
      await takeBack(parts, now, now.state, 'job_end', true)
    })
  }
  throw new Failure('provider_unavailable', { reason: `the leases of a job kept changing while it ended` })
}

function tombstone(parts: Parts, job: Job, until: number, via: string, leases: number): Change[] {
  return [{ kind: 'job.end', job, until }, parts.record({ type: 'job.ended', job, via, leases })]
}

function seconds(tools: Pick<Tools, 'now'>): number {
  return Math.floor(tools.now() / 1000)
}
