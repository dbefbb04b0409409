/** One message: let in by the gate, sent to its server, and what comes back cut to what the caller may see. */
import type { IncomingMessage } from 'node:http'
import { asFailure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { type JsonObject, parseStrictObject } from '../../../base/strict-json.ts'
import { type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Meter } from '../../route.ts'
import { readJsonBytes } from '../http/json-body.ts'
import { type Refused, refusedAs, rpcCodes } from './answers.ts'
import { askOf, callOf, recordOf, refuse } from './asking.ts'
import { call } from './call.ts'
import { carry } from './carry.ts'
import { type Message, readMessage } from './message.ts'
import { isAsPinned } from './pinned-tools.ts'
import { carriedMessage, type Heard, outcomeOf } from './recorded.ts'
import { rewriteOf } from './results.ts'
import { type Passage, type RunningMcp, targetOf } from './running.ts'

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
  const { gate } = running
  const target = targetOf(running.settings, passage.server)
  const admitted = await gate.admit(askOf(running, passage))
  if (passage.waits) passage.response.writeContinue()
  const read = await readBody(passage.request).catch(async (thrown: unknown) => {
    throw await gate.refuse(admitted, recordOf(running, passage), asFailure(thrown))
  })
  if ('refused' in read) return await refuse(running, passage, admitted, read)
  const { message, bytes } = read
  const { id, method } = message
  if (id === undefined && !method.startsWith('notifications/')) {
    const nameless = refusedAs(400, null, rpcCodes.request, 'A request must have an id.')
    return await refuse(running, passage, admitted, nameless)
  }
  if (id === undefined && !notifications.has(method)) return { status: 202, headers: [], body: '' }
  if (id !== undefined && !requests.has(method)) {
    const said = `\`${method.slice(0, 100)}\` is not carried here.`
    const unknown = refusedAs(message.isModern ? 404 : 200, id, rpcCodes.method, said)
    return await refuse(running, passage, admitted, unknown)
  }
  const session = sessionOf(running, passage, admitted, message)
  if (session === undefined) {
    const answer = problem(404, 'There is no such session: begin a new one.', newId('er', running.tools))
    const why = 'the session is not one of this caller at this server'
    return await refuse(running, passage, admitted, { refused: answer, why })
  }
  let meter: Meter | undefined
  if (id !== undefined && method === 'tools/call') {
    const called = await call(running, { passage, admitted, message, session }, id)
    if ('status' in called) return called
    meter = called.meter
  }
  const { server } = passage
  const rewrite = rewriteOf(
    message,
    (name, tool) =>
      gate.permits(admitted, target, callOf(server, name)) && isAsPinned(running, server, name, tool),
  )
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

/** The server's own id of the legacy session, empty where there is none; `undefined` for one of somebody else. */
function sessionOf(
  { sessions }: RunningMcp,
  { request, server }: Passage,
  admitted: Admitted,
  { isModern }: Message,
): string | undefined {
  const said = request.headers['mcp-session-id']
  if (isModern || said === undefined) return ''
  return typeof said === 'string' ? sessions.unwrap(said, server, admitted) : undefined
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
