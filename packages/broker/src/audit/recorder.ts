import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import type { Change } from '../store/store.ts'
import { encodeEvent } from './events.ts'
import type { ClaimsRead } from './kept-claims.ts'

/** Turns an event into the change that appends it, and the id by which people will name the entry. */
export type Recorder = (event: AuditEvent) => { readonly id: string; readonly change: Change }

/**
 * The only maker of `append` changes: what an entry looks like is decided in one place. `reads` names the claims that
 * the policy reads: with them anybody can decide again.
 */
export function openRecorder(tools: Pick<Tools, 'now' | 'randomBytes'>, reads?: ClaimsRead): Recorder {
  return (event) => {
    const { id, bytes } = encodeEvent(event, tools, reads)
    return { id, change: { kind: 'append', entry: bytes } }
  }
}
