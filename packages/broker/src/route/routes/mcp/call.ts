/** A call of a tool: decided anew whatever a list said, by its name, its headers and its arguments. */
import type { Json } from '../../../base/canonical-json.ts'
import { Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Ask, Meter, RequestHead } from '../../route.ts'
import { callRefused, type Refused, type RpcId, refusedAs, rpcCodes, rpcError } from './answers.ts'
import { askOf, callOf, recordOf, refuse } from './asking.ts'
import { unavailable } from './carry.ts'
import { isToolName } from './results.ts'
import { type Passage, type RunningMcp, targetOf } from './running.ts'
import { type CallFaults, type Calling, callFaults, SessionOver } from './tool-lists.ts'

/** Of a call: answers to a server's questions, and tasks that outlive it, would pass without any rule about them. */
const callMembers: ReadonlySet<string> = new Set(['name', 'arguments', '_meta'])

/**
 * Decided anew whatever a list said. A tool that the caller may not use at all is one that it does not know (the same
 * answer as for one that is none); where its arguments are the reason, the model hears so.
 */
export async function call(
  running: RunningMcp,
  calling: Calling,
  id: RpcId,
): Promise<Problem | { readonly meter: Meter | undefined }> {
  const { passage, message } = calling
  const { name, arguments: given = {} } = message.params
  const refused = (said: Refused) => refuse(running, passage, calling.admitted, said)
  if (typeof name !== 'string' || !isToolName(name))
    return await refused(refusedAs(200, id, rpcCodes.params, 'params.name must be the name of a tool.'))
  const other = Object.keys(message.params).find((member) => !callMembers.has(member))
  if (other !== undefined) {
    const said = `params.${other.slice(0, 40)} is not carried here.`
    return await refused(refusedAs(200, id, rpcCodes.params, said))
  }
  const head = callOf(passage.server, name)
  const unknown = rpcError(200, id, rpcCodes.params, `Unknown tool: ${name}`)
  const faults = await faultsNow(running, calling, head)
  if ('status' in faults) return faults
  if (faults.changed !== undefined) return await refused({ refused: unknown, why: faults.changed })
  if (faults.headers !== undefined) return await refused(refusedAs(400, id, rpcCodes.headers, faults.headers))
  const action = `CALL /${passage.server}/${name}`
  const ask = { ...askOf(running, passage), action, request: head }
  let admitted: Admitted
  try {
    admitted = await running.gate.admit(ask)
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'scope_refused') return unknown
    throw thrown
  }
  if (faults.unseen)
    return await refused({ refused: unknown, why: 'the policy allows it only since just now' })
  try {
    const fits = await admitted.body?.(async () => given)
    if (faults.arguments !== undefined)
      return await refused({ refused: callRefused(id, faults.arguments), why: faults.arguments })
    passage.left.throwIfAborted()
    if (fits ?? admitted.held) await approved(running, passage, admitted, { ...ask, action }, given)
    const meter = running.gate.meter(admitted, { ...recordOf(running, passage), action })
    await meter?.take({ calls: 1, writes: admitted.writes === false ? 0 : 1 })
    return { meter }
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'budget_spent')
      return callRefused(id, `${thrown.detail ?? ''} (${thrown.entry ?? ''})`)
    if (thrown instanceof Failure && thrown.code === 'not_approved')
      return callRefused(id, `Nobody approved this call (${thrown.entry ?? ''}).`)
    if (!(thrown instanceof Failure) || thrown.code !== 'scope_refused') throw thrown
    return callRefused(
      id,
      `The policy does not allow this call with these arguments (${thrown.entry ?? ''}).`,
    )
  }
}

/**
 * Before anything is decided, so that whatever the answer takes, the decision is not older than it. Of a tool that the caller
 * may not use nothing is told.
 */
async function faultsNow(
  running: RunningMcp,
  calling: Calling,
  head: RequestHead,
): Promise<CallFaults | Problem> {
  const { passage, admitted, message } = calling
  if (!running.gate.permits(admitted, targetOf(running.settings, passage.server), head))
    return { unseen: true }
  try {
    return await callFaults(running, calling)
  } catch (cause) {
    passage.left.throwIfAborted()
    if (cause instanceof SessionOver) return problem(404, 'The session is over.', newId('er', running.tools))
    return unavailable(running, passage, message, cause)
  }
}

/** A call that the policy holds; waiting is no idleness. */
async function approved(
  { gate }: RunningMcp,
  { request, left }: Passage,
  admitted: Admitted,
  { token: _, ...ask }: Ask,
  given: Json,
): Promise<void> {
  const { timeout = 0 } = request.socket
  request.setTimeout(0)
  try {
    await gate.approve(admitted, ask, async () => ({ call: ask.action, arguments: given }), left)
  } finally {
    request.setTimeout(timeout)
  }
}
