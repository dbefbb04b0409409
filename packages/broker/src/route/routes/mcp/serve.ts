/** One message: let in by the gate, sent to its server, and what comes back cut to what the caller may see. */
import type { IncomingMessage } from 'node:http'
import { Failure } from '../../../base/failure.ts'
import { type JsonObject, parseStrictObject } from '../../../base/strict-json.ts'
import type { Admitted, Ask, RequestHead } from '../../route.ts'
import { readJsonBytes } from '../http/json-body.ts'
import { type Answer, callRefused, rpcCodes, rpcError } from './answers.ts'
import { carry } from './carry.ts'
import { type Message, readMessage } from './message.ts'
import { isToolName, rewriteOf } from './results.ts'
import type { Passage, RunningMcp } from './running.ts'

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
export async function answerMessage(running: RunningMcp, passage: Passage): Promise<Answer | undefined> {
  const { gate } = running
  const ask = askOf(running, passage)
  const admitted = await gate.admit(ask)
  const read = await readBody(passage.request)
  if ('refused' in read) return read.refused
  const { message, bytes } = read
  const { id, method } = message
  if (id === undefined && !notifications.has(method)) return { status: 202, headers: [], body: '' }
  if (id !== undefined && !requests.has(method))
    return rpcError(
      message.isModern ? 404 : 200,
      id,
      rpcCodes.method,
      `\`${method.slice(0, 100)}\` is not carried here.`,
    )
  if (id !== undefined && method === 'tools/call') {
    const refused = await refusedCall(running, passage, { ...message, id })
    if (refused !== undefined) return refused
  }
  const visible = (tool: string) =>
    gate.permits(admitted, settingsTarget(running), callOf(passage.server, tool))
  return carry(running, { passage, admitted, message, bytes, rewrite: rewriteOf(message, visible) })
}

function askOf({ settings }: RunningMcp, { asked, server }: Passage): Ask {
  const { token, fault } = asked
  return {
    token,
    ...(fault === undefined ? {} : { fault }),
    ...{ route: settings.name, target: settings.target, action: `POST /${server}` },
  }
}

function settingsTarget({ settings }: RunningMcp): string {
  return settings.target
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
async function refusedCall(
  running: RunningMcp,
  passage: Passage,
  message: CallMessage,
): Promise<Answer | undefined> {
  const { name, arguments: given = {} } = message.params
  if (typeof name !== 'string' || !isToolName(name))
    return rpcError(200, message.id, rpcCodes.params, 'params.name must be the name of a tool.')
  const unknown = rpcError(200, message.id, rpcCodes.params, `Unknown tool: ${name}`)
  const action = `CALL /${passage.server}/${name}`
  const ask = { ...askOf(running, passage), action, request: callOf(passage.server, name) }
  let admitted: Admitted
  try {
    admitted = await running.gate.admit(ask)
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'scope_refused') return unknown
    throw thrown
  }
  try {
    await admitted.body?.(async () => given)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'scope_refused') throw thrown
    return callRefused(
      message.id,
      `The policy does not allow this call with these arguments (${thrown.entry ?? ''}).`,
    )
  }
}

async function readBody(
  request: IncomingMessage,
): Promise<{ readonly message: Message; readonly bytes: Buffer } | { readonly refused: Answer }> {
  const bytes = await readJsonBytes(request)
  let body: JsonObject
  try {
    // Two members of one name could be read differently by us and by the server: what was checked is what is sent.
    body = parseStrictObject(new TextDecoder('utf-8', { fatal: true }).decode(bytes), limits)
  } catch {
    return {
      refused: rpcError(
        400,
        null,
        rpcCodes.parse,
        'The body is not one JSON object that can be read in one way.',
      ),
    }
  }
  const message = readMessage(body, request.headers)
  return 'refused' in message ? message : { message, bytes }
}
