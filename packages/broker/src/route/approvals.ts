/** approvals: a call that the policy holds waits here until somebody says yes, and is in the log before and after. */
import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import { newId } from '../base/id.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent, Job } from '../domain.ts'
import type { Admitted, Ask } from './route.ts'

/** What somebody is asked to approve: this one call and no other. */
export interface HeldCall {
  /** Id of the approval, `ap_...`. */
  readonly id: string
  readonly route: string
  readonly target: string
  readonly action: string
  readonly subject: string
  readonly actor?: string
  readonly lease: string
  readonly scopes: readonly string[]
  readonly job?: Job
  /** The call itself, as it will be forwarded. */
  readonly call: Json
}

/** What somebody said, in their words. */
export interface Approval {
  readonly approved: boolean
  readonly by?: string
  readonly reason?: string
}

/** Asks until somebody answers or it takes too long, which is a no; `signal`: the caller left. Does not throw. */
export type AskApproval = (held: HeldCall, signal: AbortSignal) => Promise<Approval>

export interface ApprovalParts {
  /** Absent: nobody can be asked, and nothing that is held passes. */
  readonly approval?: AskApproval
  readonly record: (event: AuditEvent) => Promise<string>
  readonly tools: Pick<Tools, 'now' | 'randomBytes'>
}

/** Resolves once this call was approved, durably. Throws `not_approved`, or what `show` throws. */
export async function untilApproved(
  { approval, record, tools }: ApprovalParts,
  { leaseId: lease, subject, actor, scopes, job }: Admitted,
  { route, target, action }: Omit<Ask, 'token'>,
  show: () => Promise<Json>,
  signal: AbortSignal,
): Promise<void> {
  if (approval === undefined) throw new Failure('not_approved', { reason: 'nobody can be asked' })
  const id = newId('ap', tools)
  const begun = tools.now()
  const call = await show()
  const known = { route, target, action, lease, approval: id }
  await record({ type: 'route.held', ...known })
  const who = { subject, ...(actor === undefined ? {} : { actor }), lease, scopes }
  const held = { id, route, target, action, ...who, ...(job === undefined ? {} : { job }), call }
  const { approved, by, reason } = await approval(held, signal)
  const named = by === undefined ? '' : ` by ${by}`
  if (!approved)
    throw new Failure('not_approved', { reason: `${id}: refused${named}: ${reason ?? 'no reason'}` })
  const seconds = Math.round((tools.now() - begun) / 1000)
  await record({ type: 'route.approved', ...known, seconds, ...(by === undefined ? {} : { by }) })
}
