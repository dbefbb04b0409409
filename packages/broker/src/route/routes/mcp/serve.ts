/** One message: let in by the gate, sent to its server, and what comes back cut to what the caller may see. */
import type { IncomingMessage } from 'node:http'
import type { Json } from '../../../base/canonical-json.ts'
import { asFailure, Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { type JsonObject, parseStrictObject } from '../../../base/strict-json.ts'
import { type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Ask, Meter, RequestHead } from '../../route.ts'
import { readJsonBytes } from '../http/json-body.ts'
import { callRefused, type Refused, refusedAs, rpcCodes, rpcError } from './answers.ts'
import { carry, unavailable } from './carry.ts'
import { type Message, readMessage } from './message.ts'
import { carriedMessage, type Heard, outcomeOf } from './recorded.ts'
import { isToolName, rewriteOf } from './results.ts'
import type { Passage, RunningMcp } from './running.ts'
import { headersFault } from './tool-lists.ts'

/** Text in arguments has lines, and structures are deeper than in a token. */
const limits = { depth: 64, members: 10_000, controls: true } as const

/** What is carried; everything else a server may know would be a way around the policy. */
const requests: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
])
const notifications: ReadonlySet<string> = new Set(['notifications/initialized', 'notifications/cancelled'])

/** Answers a message, or carries it and answers nothing. Throws what the gate throws. */
export async function answerMessage(running: RunningMcp, passage: Passage): Promise<Problem | undefined> {
  const { gate, settings } = running
  const admitted = await gate.admit(askOf(running, passage))
  if (passage.waits) passage.response.writeContinue()
  const read = await readBody(passage.request).catch(async (thrown: unknown) => {
    throw await gate.refuse(admitted, recordOf(running, passage), asFailure(thrown))
  })
  if ('refused' in read) return await refuse(running, passage, admitted, read)
  const { message, bytes } = read
  const { id, method } = message
  if (id === undefined && !notifications.has(method)) return { status: 202, headers: [], body: '' }
  if (id !== undefined && !requests.has(method)) {
    const said = `\`${method.slice(0, 100)}\` is not carried here.`
    const unknown = refusedAs(message.isModern ? 404 : 200, id, rpcCodes.method, said)
    return await refuse(running, passage, admitted, unknown)
  }
  let meter: Meter | undefined
  if (id !== undefined && method === 'tools/call') {
    const called = await call(running, passage, { ...message, id }, admitted)
    if ('status' in called) return called
    meter = called.meter
  }
  const session = sessionOf(running, passage, admitted, message)
  if (session === undefined) {
    const answer = problem(404, 'There is no such session: begin a new one.', newId('er', running.tools))
    const why = 'the session is not one of this caller at this server'
    return await refuse(running, passage, admitted, { refused: answer, why })
  }
  const visible = (tool: string) => gate.permits(admitted, settings.target, callOf(passage.server, tool))
  const rewrite = rewriteOf(message, visible)
  const carriage = { passage, admitted, message, bytes, session, rewrite, meter }
  const answered = await gate.record(admitted, recordOf(running, passage), () =>
    carriedMessage(passage.server, message),
  )
  if (answered === undefined) return await carry(running, carriage)
  const heard: Heard = { out: 0 }
  const answer = await carry(running, { ...carriage, heard })
  answered(outcomeOf(passage.response, answer, bytes, heard))
  return answer
}

/** In the log before the caller hears of it: somebody whose token is good sent what must not pass. */
async function refuse(
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

function askOf(running: RunningMcp, passage: Passage): Ask {
  const { token, fault } = passage.asked
  return { token, ...(fault === undefined ? {} : { fault }), ...recordOf(running, passage) }
}

/** What is asked, as the log has it. */
function recordOf(
  { settings: { name: route, target } }: RunningMcp,
  { server }: Passage,
): Omit<Ask, 'token'> {
  return { route, target, action: `POST /${server}` }
}

/** The server's own id of the legacy session, empty where there is none; `undefined` for one of somebody else. */
function sessionOf(
  { sessions }: RunningMcp,
  { request, server }: Passage,
  { subject }: Admitted,
  { isModern }: Message,
): string | undefined {
  const said = request.headers['mcp-session-id']
  if (isModern || said === undefined) return ''
  return typeof said === 'string' ? sessions.unwrap(said, server, subject) : undefined
}

/** As policies speak of it: `CALL /SERVER/TOOL`. */
function callOf(server: string, tool: string): RequestHead {
  return { method: 'CALL', path: `/${server}/${tool}`, query: '', overrides: false }
}

type CallMessage = Message & { readonly id: string | number }

/**
 * Decided anew whatever a list said. A tool that the caller may not use at all is one that it does not know (the same
 * answer as for one that is none); where its arguments are the reason, the model hears so.
 */
async function call(
  running: RunningMcp,
  passage: Passage,
  message: CallMessage,
  holder: Admitted,
): Promise<Problem | { readonly meter: Meter | undefined }> {
  const { name, arguments: given = {} } = message.params
  if (typeof name !== 'string' || !isToolName(name)) {
    const said = 'params.name must be the name of a tool.'
    return await refuse(running, passage, holder, refusedAs(200, message.id, rpcCodes.params, said))
  }
  const head = callOf(passage.server, name)
  const differs = await headersDiffer(running, passage, message, holder, head)
  if (differs !== undefined)
    return 'why' in differs ? await refuse(running, passage, holder, differs) : differs
  const unknown = rpcError(200, message.id, rpcCodes.params, `Unknown tool: ${name}`)
  const action = `CALL /${passage.server}/${name}`
  const ask = { ...askOf(running, passage), action, request: head }
  let admitted: Admitted
  try {
    admitted = await running.gate.admit(ask)
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'scope_refused') return unknown
    throw thrown
  }
  try {
    const fits = await admitted.body?.(async () => given)
    if (fits ?? admitted.held) await approved(running, passage, admitted, { ...ask, action }, given)
    const meter = running.gate.meter(admitted, { ...recordOf(running, passage), action })
    await meter?.take({ calls: 1, writes: admitted.writes === false ? 0 : 1 })
    return { meter }
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'budget_spent')
      return callRefused(message.id, `${thrown.detail ?? ''} (${thrown.entry ?? ''})`)
    if (thrown instanceof Failure && thrown.code === 'not_approved')
      return callRefused(message.id, `Nobody approved this call (${thrown.entry ?? ''}).`)
    if (!(thrown instanceof Failure) || thrown.code !== 'scope_refused') throw thrown
    return callRefused(
      message.id,
      `The policy does not allow this call with these arguments (${thrown.entry ?? ''}).`,
    )
  }
}

/**
 * Before anything is decided, so that whatever the answer takes, the decision is not older than it. Of a tool that the caller
 * may not use nothing is told, its headers neither.
 */
async function headersDiffer(
  running: RunningMcp,
  passage: Passage,
  message: CallMessage,
  holder: Admitted,
  head: RequestHead,
): Promise<Problem | Refused | undefined> {
  if (!message.isModern || !running.gate.permits(holder, running.settings.target, head)) return undefined
  try {
    const fault = await headersFault(running, passage, holder, message)
    if (passage.response.destroyed) throw new TypeError('the caller left')
    return fault === undefined ? undefined : refusedAs(400, message.id, rpcCodes.headers, fault)
  } catch (cause) {
    return unavailable(running, passage, message, cause)
  }
}

/** A call that the policy holds; waiting is no idleness. */
async function approved(
  { gate }: RunningMcp,
  { request, response }: Passage,
  admitted: Admitted,
  { token: _, ...ask }: Ask,
  given: Json,
): Promise<void> {
  const left = new AbortController()
  const leave = () => left.abort()
  response.once('close', leave)
  const { timeout = 0 } = request.socket
  request.setTimeout(0)
  try {
    await gate.approve(admitted, ask, async () => ({ call: ask.action, arguments: given }), left.signal)
  } finally {
    response.off('close', leave)
    request.setTimeout(timeout)
  }
}

async function readBody(
  request: IncomingMessage,
): Promise<{ readonly message: Message; readonly bytes: Buffer } | Refused> {
  const bytes = await readJsonBytes(request)
  let body: JsonObject
  try {
    // Two members of one name could be read differently by us and by the server: what was checked is what is sent.
    body = parseStrictObject(new TextDecoder('utf-8', { fatal: true }).decode(bytes), limits)
  } catch {
    const said = 'The body is not one JSON object that can be read in one way.'
    return refusedAs(400, null, rpcCodes.parse, said)
  }
  const message = readMessage(body, request.headers)
  return 'refused' in message ? message : { message, bytes }
}
