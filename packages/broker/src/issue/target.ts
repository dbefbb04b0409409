/**
 * issue: hand it over. A target mints one kind of credential at one configured place, and takes it back.
 * It never decides and never writes to the store. The exchange calls `prepare` and `issue`; the revoke room
 * calls `revoke`.
 */
import type { Json } from '../base/canonical-json.ts'
import type { Credential, Grant } from '../domain.ts'

/** All that revocation needs. Plain JSON, sealed before it is stored. */
export type Handle = Json

export interface Target {
  /** The policy's word for this kind of target, `token`. */
  readonly kind: string
  /**
   * True when `issue` touches nothing outside this process, so that it cannot half-happen: the lease is then
   * written as active at once, in one durable commit. Otherwise it is written as pending before `issue`.
   */
  readonly local: boolean
  /** Which configured connection serves a grant, `postgres staging`: providers fail one by one. Absent: none is needed. */
  connection?(grant: Grant): string
  /** Pure: all that revocation will need, known before anything is made. */
  prepare(grant: Grant): Handle
  issue(grant: Grant, handle: Handle): Promise<Credential>
  /** Idempotent. Absent: the credential ends only with its lease (checked at each use) or by expiry. */
  revoke?(handle: Handle): Promise<void>
  close?(): Promise<void>
}
