import { hash } from 'node:crypto'
import type { Budget, Used } from '../base/budget.ts'
import type { Job, Lease, LeaseState, Switch } from '../domain.ts'
import { text, whole, wholeOrNull, wholeUntil } from './kept-values.ts'
import type { Change, KeyRecord, PutSecret } from './store.ts'

/** A lease as a row of either database: what is searched for is a column, the rest is one JSON text. */
export interface LeaseRow {
  readonly id: string
  readonly state: LeaseState
  readonly target: string
  readonly job: string | null
  /** The run of a job that has an id; without one `job` is the run. Of two jobs: the other one. */
  readonly run: string | null
  readonly expiresAt: number
  readonly endedAt: number | null
  readonly endedBy: string | null
  readonly body: string
  readonly handle: Uint8Array
}

/** A change in the form that is written: keys are hashed, times are whole, texts are safe for both databases. */
export type Step =
  /** `name`: the 16 bytes of the key as Latin-1. */
  | { readonly op: 'spend'; readonly name: string; readonly until: number }
  | {
      readonly op: 'create'
      readonly row: LeaseRow
      readonly jobLimit: number
      /** When the job's count may be forgotten if nobody says that the job ended. */
      readonly jobUntil: number
      /** What must not be switched off. */
      readonly switches: readonly string[]
    }
  | {
      readonly op: 'move'
      readonly id: string
      readonly from: readonly LeaseState[]
      readonly to: LeaseState
      readonly endedAt: number | null
      readonly endedBy: string | null
      /** `null`: the lease keeps the one that it has. */
      readonly handle: Uint8Array | null
    }
  | { readonly op: 'end'; readonly job: string; readonly until: number }
  | { readonly op: 'switch'; readonly name: string; readonly off: boolean }
  | { readonly op: 'key'; readonly key: KeyRecord }
  | {
      readonly op: 'retire'
      readonly kid: string
      readonly signsUntil: number
      readonly publishedUntil: number
    }
  | { readonly op: 'append'; readonly entry: Uint8Array }
  | ({ readonly op: 'put' } & PutSecret)
  | {
      readonly op: 'rewrap'
      readonly name: string
      readonly was: Uint8Array
      readonly envelope: Uint8Array
      readonly wrappedBy: string
    }
  | { readonly op: 'use'; readonly name: string; readonly at: number; readonly times: number }
  | { readonly op: 'remove'; readonly name: string }
  | {
      readonly op: 'take'
      readonly key: string
      readonly take: Used
      readonly budget: Budget
      readonly at: number
      readonly until: number
    }
  | { readonly op: 'checkpoint'; readonly size: number; readonly note: string }

/** The steps that change what is kept of static secrets. */
export type SecretStep = Extract<Step, { op: 'put' | 'rewrap' | 'use' | 'remove' }>

/** A job on a self-hosted runner lasts at most five days: its count is kept that long after its last lease. */
const longestJob = 5 * 86_400

/**
 * Encodes the changes of one commit. Throws `Failure('internal')` on what cannot be kept exactly, before anything
 * is written, so that one bad commit never spoils the group it would have travelled in.
 */
export function encodeSteps(changes: readonly Change[]): readonly Step[] {
  return changes.map(encodeStep).filter((step) => step !== undefined)
}

function encodeStep(change: Change): Step | undefined {
  switch (change.kind) {
    case 'spend':
      return spend(change.key, change.until)
    case 'lease.create':
      return create(change.lease, change.jobLimit)
    case 'lease.move': {
      const { id, from, to, handle = null } = change
      const endedBy = change.endedBy === undefined ? null : text(change.endedBy)
      return { op: 'move', id: text(id), from, to, endedAt: wholeOrNull(change.endedAt), endedBy, handle }
    }
    case 'job.end': {
      const job = jobKey(change.job)
      return job === undefined ? undefined : { op: 'end', job, until: wholeUntil(change.until) }
    }
    case 'switch':
      return { op: 'switch', name: text(switchName(change.switch)), off: change.off }
    case 'key.create':
      return { op: 'key', key: checkKey(change.key) }
    case 'key.retire': {
      const times = { signsUntil: whole(change.signsUntil), publishedUntil: whole(change.publishedUntil) }
      return { op: 'retire', kid: text(change.kid), ...times }
    }
    case 'budget.take':
      return take(change)
    case 'append':
      return { op: 'append', entry: change.entry }
    case 'checkpoint':
      return { op: 'checkpoint', size: whole(change.size), note: text(change.note) }
    default:
      return encodeSecret(change)
  }
}

function take({ key, take: wanted, budget, at, until }: Extract<Change, { kind: 'budget.take' }>): Step {
  const { calls = 0, writes = 0, rows = 0, bytes = 0 } = wanted
  for (const amount of [calls, writes, rows, bytes]) whole(amount)
  return {
    ...{ op: 'take', key: text(key), take: { calls, writes, rows, bytes }, budget },
    ...{ at: whole(at), until: wholeUntil(until) },
  }
}

function encodeSecret(change: Extract<Change, { kind: `secret.${string}` }>): SecretStep {
  const name = text(change.name)
  switch (change.kind) {
    case 'secret.put': {
      const { envelope, wrappedBy, replacedAt } = change
      return { op: 'put', name, envelope, wrappedBy: text(wrappedBy), replacedAt: whole(replacedAt) }
    }
    case 'secret.rewrap': {
      const { was, envelope, wrappedBy } = change
      return { op: 'rewrap', name, was, envelope, wrappedBy: text(wrappedBy) }
    }
    case 'secret.use':
      return { op: 'use', name, at: whole(change.at), times: 1 }
    case 'secret.remove':
      return { op: 'remove', name }
  }
}

/** The row's `job` column: by id, or by run where there is no id. Hostile text is escaped by JSON. */
export function jobKey(job: Job | undefined): string | undefined {
  if (job?.id !== undefined) return JSON.stringify([job.issuer, 'id', job.id])
  if (job?.run !== undefined) return JSON.stringify([job.issuer, 'run', job.run])
  return undefined
}

/** The key of the job's run, where `jobKey` is not that already. */
function runKey(job: Job | undefined): string | undefined {
  if (job?.id === undefined || job.run === undefined) return undefined
  return jobKey({ issuer: job.issuer, run: job.run })
}

/** A switch as one text. */
function switchName({ of, name }: Switch): string {
  return `${of}:${name}`
}

/** The switch that a text of `switchName` stands for. */
export function switchOf(text: string): Switch {
  const at = text.indexOf(':')
  return { of: text.slice(0, at) as Switch['of'], name: text.slice(at + 1) }
}

function switchesOf({ target, act, ...lease }: Lease): readonly string[] {
  const each = [{ of: 'target', name: target } as const, ...partySwitches(lease)]
  if (act === undefined) return each.map((one) => text(switchName(one)))
  return [...new Set([...each, ...partySwitches(act)].map((one) => text(switchName(one))))]
}

function partySwitches({ issuer, repository, actor }: NonNullable<Lease['act']>): readonly Switch[] {
  return [
    { of: 'issuer', name: issuer },
    ...(repository === undefined ? [] : [{ of: 'repository', name: repository } as const]),
    ...(actor === undefined ? [] : [{ of: 'actor', name: actor } as const]),
  ]
}

/** Which leases are of this job: those whose `job` is one of `keys`, or whose `run` is one of `runs`. */
export function jobKeys(job: Job): { readonly keys: readonly string[]; readonly runs: readonly string[] } {
  const own = jobKey(job)
  const keys = [own, runKey(job)].filter((key) => key !== undefined)
  // Other jobs of its run have that run too: named by its id, it is the other job of some leases, and no run.
  return { keys, runs: own === undefined ? [] : [own] }
}

function spend(key: string, until: number): Step {
  // Fixed size whatever a token holds; 128 bits, because who finds two tokens of one key can only spend his own.
  // UTF-16 units, because UTF-8 would make two lone surrogates equal.
  const digest = hash('sha256', Buffer.from(key, 'utf16le'), 'buffer')
  return { op: 'spend', name: digest.toString('latin1', 0, 16), until: wholeUntil(until) }
}

function create(lease: Lease, jobLimit: number): Step {
  const {
    id,
    state,
    target,
    handle,
    kind,
    issuer,
    subject,
    grants,
    scopes,
    job,
    otherJob,
    repository,
    actor,
    act,
    terms,
    session,
  } = lease
  const expiresAt = whole(lease.expiresAt)
  const row: LeaseRow = {
    id: text(id),
    state,
    target: text(target),
    job: jobKey(job) ?? null,
    // Of two jobs each ends it by its id; the run of the first one then ends it only as long as that is named with it.
    run: jobKey(otherJob) ?? runKey(job) ?? null,
    expiresAt,
    endedAt: wholeOrNull(lease.endedAt),
    endedBy: lease.endedBy === undefined ? null : text(lease.endedBy),
    // `kind` stays the first: `bodyStart` searches by it.
    body: JSON.stringify({
      ...{ kind, issuer, subject, grants, scopes, job, otherJob, repository, actor, act, terms, session },
      createdAt: whole(lease.createdAt),
    }),
    handle,
  }
  return { op: 'create', row, jobLimit, jobUntil: expiresAt + longestJob, switches: switchesOf(lease) }
}

/**
 * How the bodies of all leases of one kind begin, and of no other. Databases compare it as text: their own JSON
 * functions stumble over what may stand in a subject.
 */
export function bodyStart(kind: string): string {
  return `{"kind":${JSON.stringify(kind)},`
}

/**
 * A text that stands in the body of every lease with this member, of its subject or of whoever acts, and in no other: quotes inside of any text are escaped
 * there, so that no subject can look like a member.
 */
export function bodyMember(
  name: 'issuer' | 'repository' | 'actor' | 'policy' | 'session',
  value: string,
): string {
  return `"${name}":${JSON.stringify(value)}`
}

/** A row read back as the lease it was. */
export function leaseOf(row: LeaseRow): Lease {
  const body = JSON.parse(row.body) as Pick<
    Lease,
    | 'kind'
    | 'issuer'
    | 'subject'
    | 'grants'
    | 'scopes'
    | 'job'
    | 'otherJob'
    | 'repository'
    | 'actor'
    | 'act'
    | 'terms'
    | 'session'
    | 'createdAt'
  >
  return {
    id: row.id,
    state: row.state,
    target: row.target,
    ...body,
    expiresAt: row.expiresAt,
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt }),
    ...(row.endedBy === null ? {} : { endedBy: row.endedBy }),
    handle: row.handle,
  }
}

function checkKey(key: KeyRecord): KeyRecord {
  for (const value of [key.kid, key.purpose, key.algorithm, key.publicJwk]) text(value)
  for (const value of [key.generation, key.createdAt, key.signsFrom]) whole(value)
  wholeOrNull(key.signsUntil)
  wholeOrNull(key.publishedUntil)
  return key
}
