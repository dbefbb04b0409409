/** What a message asks of the gate, and how one is refused. */
import { Failure } from '../../../base/failure.ts'
import type { Problem } from '../../bearer-error.ts'
import type { Admitted, Ask, RequestHead } from '../../route.ts'
import type { Refused } from './answers.ts'
import { type Passage, type RunningMcp, targetOf } from './running.ts'

/** In the log before the caller hears of it: somebody whose token is good sent what must not pass. */
export async function refuse(
  running: RunningMcp,
  passage: Passage,
  admitted: Admitted,
  { refused, why }: Refused,
): Promise<Problem> {
  const fault = new Failure('request_malformed', { reason: why })
  const failure = await running.gate.refuse(admitted, recordOf(running, passage), fault)
  if (failure.code !== 'request_malformed') throw failure
  return refused
}

/** A message's token, and what is asked with it. */
export function askOf(running: RunningMcp, passage: Passage): Ask {
  const { token, fault } = passage.asked
  return { token, ...(fault === undefined ? {} : { fault }), ...recordOf(running, passage) }
}

/** What is asked, as the log has it. */
export function recordOf({ settings }: RunningMcp, { server }: Passage): Omit<Ask, 'token'> {
  return { route: settings.name, target: targetOf(settings, server), action: `POST /${server}` }
}

/** As policies speak of it: `CALL /SERVER/TOOL`. */
export function callOf(server: string, tool: string): RequestHead {
  return { method: 'CALL', path: `/${server}/${tool}`, query: '', overrides: false }
}
