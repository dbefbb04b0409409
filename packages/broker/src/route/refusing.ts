/** How the gate says no: in the log first, counted, and with the id of the entry for the caller. */
import { asFailure, Failure, type FailureCode } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import { redactedPath } from './redacted.ts'
import type { Ask } from './route.ts'

export interface RefusingParts {
  /** Resolves with the entry's id once the entry is durable. */
  readonly record: (event: AuditEvent) => Promise<string>
  readonly tools: Pick<Tools, 'log'>
  readonly observe?: (route: string, outcome: FailureCode) => void
}

/** Known about a request that is refused, for its entry. */
export interface Known {
  lease?: string
}

/** The failure as the caller gets it. */
export async function refusedTo(
  parts: RefusingParts,
  ask: Omit<Ask, 'token'>,
  known: Known,
  thrown: unknown,
): Promise<Failure> {
  const failure = await refusal(parts, ask, known, asFailure(thrown))
  parts.observe?.(ask.route, failure.code)
  return failure
}

/** The same failure with the id of its entry; when even that cannot be written, a refusal that says so inside. */
async function refusal(
  parts: RefusingParts,
  ask: Omit<Ask, 'token'>,
  known: Known,
  failure: Failure,
): Promise<Failure> {
  const { route, target } = ask
  const { code } = failure
  const action = redactedPath(ask.action)
  const path = ask.request?.path ?? action
  const reason = failure.reason?.replaceAll(path, redactedPath(path))
  try {
    return failure.recorded(
      await parts.record({ type: 'route.refused', route, target, action, ...known, code, reason }),
    )
  } catch (cause) {
    parts.tools.log.error('a refusal could not be recorded', { route, code, reason, cause })
    return new Failure('provider_unavailable', { reason: 'the refusal could not be recorded', cause })
  }
}
