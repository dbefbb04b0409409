/**
 * issue: hand it over. A target mints one kind of credential at one configured place, and takes it back.
 * It never decides and never writes to the store. The exchange calls `prepare` and `issue`; the revoke room
 * calls `revoke`.
 */
import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import type { Credential, Grant } from '../domain.ts'

/** All that revocation needs. Plain JSON, sealed before it is stored. */
export type Handle = Json

/** What `issue` answers. */
export interface Issued extends Credential {
  /**
   * For places where revocation needs what only the answer tells: it takes the prepared handle's place, in the same
   * commit that makes the lease active. A function, because it may hold the credential itself, which nothing prints.
   */
  readonly handle?: () => Handle
  /** The static secret of the store that this is: its use is counted in the commit that makes the lease active. */
  readonly used?: string
  /** Seconds since 1970; for places that gave a shorter life than the grant: the job hears when it has to ask again. */
  readonly expiresAt?: number
}

/** What a failed `issue` left behind, where the target is certain of it. */
export type Left = 'nothing' | { readonly handle: () => Handle }

/** Thrown by `issue` instead of a plain `Failure`, after which whatever the prepared handle names is looked for. */
export class IssueFailure extends Failure {
  readonly left: Left

  constructor(failure: Failure, left: Left) {
    super(failure.code, failure)
    this.left = left
  }
}

export interface Target {
  /** The policy's word for this kind of target, `token`. */
  readonly kind: string
  /**
   * True when `issue` touches nothing outside this process, so that it cannot half-happen: the lease is then
   * written as active at once, in one durable commit. Otherwise it is written as pending before `issue`.
   */
  readonly local: boolean
  /** Which configured connection serves a grant, `postgres staging`: providers fail one by one. Absent: none is needed. */
  connection?(grant: Grant): string | undefined
  /** Pure: all that revocation will need, known before anything is made. */
  prepare(grant: Grant): Handle
  issue(grant: Grant, handle: Handle): Promise<Issued>
  /** Idempotent. Absent: the credential ends only with its lease (checked at each use) or by expiry. */
  revoke?(handle: Handle): Promise<void>
  /**
   * Without `revoke`: what goes on working after the lease's end, in words that the entry of the end carries, so that
   * nobody reads it as more than it is. `undefined`: nothing does.
   */
  outlives?(handle: Handle): string | undefined
  close?(): Promise<void>
}
