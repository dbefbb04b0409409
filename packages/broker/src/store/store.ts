/**
 * store: keep it. Leases, spent tokens, jobs, keys and the log, behind one interface; concurrent commits share
 * one durable write. It knows no policy and no protocol. Whoever is handed a `Store` may call it.
 */
import type { Budget, Used } from '../base/budget.ts'
import type { Entry, Job, Lease, LeaseState, Switch, TreeHead } from '../domain.ts'

/**
 * One write. The changes of one commit happen together or not at all; a conflict undoes only its own commit.
 * `append` entries get the next positions of the log in the order given.
 */
export type Change =
  /** Conflict `spent` when the key is there already. */
  | { readonly kind: 'spend'; readonly key: string; readonly until: number }
  /**
   * Conflict `job_ended` when the lease's job or its whole run ended before, `job_limit` when the job already had
   * `jobLimit` leases. A job is known by `(issuer, id)`, or by `(issuer, run)` where it has no id. Conflict
   * `switched_off` when the lease's target, issuer, repository or actor is.
   */
  | { readonly kind: 'lease.create'; readonly lease: Lease; readonly jobLimit: number }
  /** Conflict `lease_state` when the lease is not in one of `from`. */
  | {
      readonly kind: 'lease.move'
      readonly id: string
      readonly from: readonly LeaseState[]
      readonly to: LeaseState
      readonly endedAt?: number
      readonly endedBy?: string
      /** Sealed; takes the place of the lease's handle. */
      readonly handle?: Uint8Array
    }
  /**
   * Remembers that a job ended, so that no later exchange revives it. Never a conflict. With an `id` it is that one
   * job, whatever its `run`: the others of the run go on. With a `run` alone it is the whole run: every job of it, those
   * that have an id too.
   */
  | { readonly kind: 'job.end'; readonly job: Job; readonly until: number }
  /** Off: no lease of it can be created. Off twice, or on without off, changes nothing. Never a conflict. */
  | { readonly kind: 'switch'; readonly switch: Switch; readonly off: boolean }
  /** Conflict `key_exists` when this purpose already has this generation. */
  | { readonly kind: 'key.create'; readonly key: KeyRecord }
  /** Sets when a key stops signing and stops being published; conflict `key_exists` never. */
  | {
      readonly kind: 'key.retire'
      readonly kid: string
      readonly signsUntil: number
      readonly publishedUntil: number
    }
  | { readonly kind: 'append'; readonly entry: Uint8Array }
  /** Keeps a static secret, or takes the place of the one before; its uses go on being counted. Never a conflict. */
  | ({ readonly kind: 'secret.put' } & PutSecret)
  /** The same secret in another envelope. Nothing happens when what is kept is no longer `was`; never a conflict. */
  | {
      readonly kind: 'secret.rewrap'
      readonly name: string
      readonly was: Uint8Array
      readonly envelope: Uint8Array
      readonly wrappedBy: string
    }
  /** Counts one use. Nothing happens when there is no such secret; never a conflict. */
  | { readonly kind: 'secret.use'; readonly name: string; readonly at: number }
  /** Never a conflict. */
  | { readonly kind: 'secret.remove'; readonly name: string }
  /**
   * Counts what is used of a budget, from the first time on. Conflict `calls_spent` and so on where it would be more than the
   * budget has; then nothing is counted.
   */
  | {
      readonly kind: 'budget.take'
      readonly key: string
      readonly take: Partial<Used>
      readonly budget: Budget
      /** Seconds since 1970. */
      readonly at: number
      /** When it may be forgotten. */
      readonly until: number
    }
  /** Keeps the signed head of the log. */
  | { readonly kind: 'checkpoint'; readonly size: number; readonly note: string }

export type ConflictKind =
  | ('spent' | 'job_ended' | 'job_limit' | 'switched_off' | 'lease_state' | 'key_exists')
  | `${keyof Budget}_spent`

/** A commit that could not be made because the world is not as it assumed. Nothing of it was written. */
export class Conflict extends Error {
  readonly kind: ConflictKind

  constructor(kind: ConflictKind) {
    super(`conflict: ${kind}`)
    this.name = 'Conflict'
    this.kind = kind
  }
}

/** A key as kept. `sealed` is the private part, encrypted by the caller; the store never sees it open. */
export interface KeyRecord {
  readonly kid: string
  readonly purpose: string
  /** 1, 2, 3 ... for each purpose: two brokers cannot both make the next one. */
  readonly generation: number
  readonly algorithm: string
  /** JSON of the public JWK. */
  readonly publicJwk: string
  readonly sealed: Uint8Array
  readonly createdAt: number
  readonly signsFrom: number
  /** Absent while no successor is planned. */
  readonly signsUntil?: number
  readonly publishedUntil?: number
}

/** A static secret to be kept. `envelope` is sealed by the caller; the store never sees it open. */
export interface PutSecret {
  readonly name: string
  readonly envelope: Uint8Array
  /** Whose key wraps the envelope's own. */
  readonly wrappedBy: string
  readonly replacedAt: number
}

/** A static secret as kept. */
export interface SecretRecord extends PutSecret {
  /** How often it was handed over, all its values together. */
  readonly uses: number
  /** Absent while nobody got it. */
  readonly lastUsedAt?: number
}

export interface LeaseFilter {
  readonly states?: readonly LeaseState[]
  readonly target?: string
  /** A target's kind, `token`. It is no column: for searches that `states` and `after` keep short. */
  readonly kind?: string
  /** No column either; compared as the lease has it. */
  readonly issuer?: string
  readonly repository?: string
  readonly actor?: string
  /** Only leases that were asked for by this session. No column either. */
  readonly session?: string
  /** Only leases that another policy than this one gave, as `Lease.terms` names it. No column either. */
  readonly notOfPolicy?: string
  /**
   * Leases of this job, always of the same issuer. With an `id`: those of that id, and where `run` is said too, those of
   * that run which have no id (they may be this job's). With a `run` alone: all of that run.
   */
  readonly job?: Job
  /** Only leases created at or after this id in order (exclusive), for paging. */
  readonly after?: string
  readonly limit: number
}

export interface Store {
  /** All or nothing, durable when it resolves. Throws `Conflict`. */
  commit(changes: readonly Change[]): Promise<void>
  lease(id: string): Promise<Lease | undefined>
  /** Ordered by id. */
  leases(filter: LeaseFilter): Promise<readonly Lease[]>
  /** Pending or active leases whose `expiresAt` is before `before`, soonest first. */
  dueLeases(before: number, limit: number): Promise<readonly Lease[]>
  /** All that is switched off. */
  switches(): Promise<readonly Switch[]>
  keys(purpose: string): Promise<readonly KeyRecord[]>
  secret(name: string): Promise<SecretRecord | undefined>
  /** All static secrets, ordered by name. */
  secrets(): Promise<readonly SecretRecord[]>
  entries(from: number, limit: number): Promise<readonly Entry[]>
  head(): Promise<TreeHead>
  /** Hashes of complete subtrees: `level` 0 = leaves, 8 = over 256 leaves, 16 = over 65,536 ... (RFC 6962 2.1). */
  hashes(level: number, from: number, limit: number): Promise<readonly Uint8Array[]>
  /** The newest signed head. */
  checkpoint(): Promise<{ readonly size: number; readonly note: string } | undefined>
  /** Forgets spent tokens and ended jobs whose `until` is before `before`, and ended leases older than `endedBefore`. */
  prune(before: number, endedBefore: number, limit: number): Promise<number>
  /** Answers when the store can be read and written; throws when not. */
  ping(): Promise<void>
  /** Finishes what was accepted, then closes. */
  close(): Promise<void>
}
