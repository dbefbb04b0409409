/** How the gate records what it let in: before anything is forwarded, behind the answers, or not at all. */
import type { Carried, Outcome } from '../base/carried.ts'
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import type { Admitted, Answered, Ask } from './route.ts'

type RequestEvent = Extract<AuditEvent, { readonly type: 'route.request' | 'route.answered' }>

/** What the gate needs to record requests. */
export interface Recording {
  /** What the policy in force says of a target; `undefined`: refusals alone. */
  readonly mode: (target: string) => 'required' | 'best_effort' | undefined
  /** Resolves with the entry's id once it is durable. */
  readonly durable: (event: RequestEvent) => Promise<string>
  /** Written later, or lost and counted; never throws. */
  readonly behind: (event: RequestEvent) => void
}

/** Begins one record. Rejects where the policy requires an entry and none could be written. */
export async function beginRecord(
  recording: Recording,
  tools: Pick<Tools, 'now'>,
  { leaseId: lease, job }: Admitted,
  { route, target }: Pick<Ask, 'route' | 'target'>,
  carried: () => Carried,
): Promise<Answered> {
  const begun = tools.now()
  const measured = (outcome: Outcome) => ({ ...outcome, ms: Math.max(0, Math.round(tools.now() - begun)) })
  const known = { target, lease }
  const request: Extract<RequestEvent, { readonly type: 'route.request' }> = {
    type: 'route.request',
    route,
    ...known,
    ...(job === undefined ? {} : { job }),
    carried: carried(),
  }
  if (recording.mode(target) !== 'required')
    return once((outcome) => recording.behind({ ...request, outcome: measured(outcome) }))
  const id = await recording.durable(request).catch((cause: unknown) => {
    if (cause instanceof Failure && cause.code === 'rate_limited') throw cause
    throw new Failure('provider_unavailable', { reason: 'the request could not be recorded', cause })
  })
  return once((outcome) =>
    recording.behind({ type: 'route.answered', request: id, ...known, outcome: measured(outcome) }),
  )
}

/** Of an end that is noticed twice, the first counts. */
function once(answered: Answered): Answered {
  let isOver = false
  return (outcome) => {
    if (!isOver) answered(outcome)
    isOver = true
  }
}
