import { Failure } from '../base/failure.ts'
import type { Target } from './target.ts'

/** The kind of leases that are sessions: no policy has a target of it. */
export const sessionKind = 'session'

/** How a session's lease ends: nothing of it exists outside of the store. It is opened by `sessions.ts` and never issued. */
export const sessionLease: Target = {
  kind: sessionKind,
  local: true,
  prepare: () => null,
  issue: () => Promise.reject(new Failure('internal', { reason: 'a session is not issued' })),
}
