/** A message to its server and the answer back: one JSON document, or a stream of events that ends with the result. */
import type { ServerResponse } from 'node:http'
import { Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Meter } from '../../route.ts'
import { watchLease } from '../../watch.ts'
import { callRefused, jsonHeaders, rpcCodes, rpcError } from './answers.ts'
import { eventsOf } from './events.ts'
import { isObject, jsonIn, type Message } from './message.ts'
import { errorOf, type Heard } from './recorded.ts'
import { asksBack, isNews, type Rewrite } from './results.ts'
import type { Passage, RunningMcp } from './running.ts'
import { isSessionId } from './session-ids.ts'
import { mediaTypeOf, mirroredHeaders, mostBytes, textOf, toServer } from './to-server.ts'

export interface Carriage {
  readonly passage: Passage
  readonly admitted: Admitted
  readonly message: Message
  /** The message as it came, which is what was checked. */
  readonly bytes: Buffer
  /** The server's own id of a legacy session, empty where there is none. */
  readonly session: string
  readonly rewrite: Rewrite | undefined
  /** Where the message is recorded: takes down what is heard of its answer. */
  readonly heard?: Heard
  /** Where the job has a budget: of a call of a tool. */
  readonly meter: Meter | undefined
}

/** Answers where the server's answer is no stream; `undefined` when a stream was carried, or the caller is gone. */
export async function carry(running: RunningMcp, carriage: Carriage): Promise<Problem | undefined> {
  const { passage, admitted, message } = carriage
  const { response } = passage
  watchLease(running.gate, admitted, response, running.tools)
  try {
    if (carriage.meter?.flows) await carriage.meter.take({ bytes: carriage.bytes.length })
    passage.left.throwIfAborted()
    // The caller's end is the server's: closing the stream is how a request is cancelled.
    const got = await toServer(running, { ...carriage, mirrored: mirroredOf(carriage) }, passage.left)
    return await answered(running, carriage, got)
  } catch (cause) {
    if (response.destroyed || response.headersSent) {
      response.destroy()
      return undefined
    }
    if (cause instanceof Failure && cause.code === 'budget_spent' && message.id !== undefined)
      return callRefused(message.id, `${cause.detail ?? ''} (${cause.entry ?? ''})`)
    return unavailable(running, passage, message, cause)
  }
}

/** The server gave no answer that can be carried. */
export function unavailable(
  { settings, tools }: RunningMcp,
  { server }: Passage,
  { id }: Message,
  cause: unknown,
): Problem {
  const errorId = newId('er', tools)
  tools.log.warn('a server did not answer', { route: settings.name, server, error_id: errorId, cause })
  return id === undefined
    ? problem(502, 'The server is not available.', errorId)
    : rpcError(502, id, rpcCodes.internal, `The server is not available (${errorId}).`)
}

function mirroredOf({ passage, message, session }: Carriage): Record<string, string> {
  const mirrored = mirroredHeaders(passage, message)
  return session === '' ? mirrored : { ...mirrored, 'mcp-session-id': session }
}

async function answered(
  running: RunningMcp,
  carriage: Carriage,
  got: Response,
): Promise<Problem | undefined> {
  const { message, passage, admitted } = carriage
  const own = got.headers.get('mcp-session-id')
  const session =
    own === null || !isSessionId(own) || message.isModern
      ? []
      : ['Mcp-Session-Id', running.sessions.wrap(own, passage.server, admitted)]
  if (message.id === undefined || got.status === 202) {
    await got.body?.cancel()
    return { status: got.ok ? 202 : 502, headers: session, body: '' }
  }
  const type = mediaTypeOf(got)
  if (got.ok && type === 'text/event-stream' && got.body !== null) {
    await stream(running, carriage, got.body, session)
    return undefined
  }
  const told = type === 'application/json' ? answerIn(await textOf(got), carriage) : undefined
  if (told === undefined) {
    // 404 is how a server says that a session is over; clients begin anew.
    if (got.status === 404 && !message.isModern)
      return problem(404, 'The session is over.', newId('er', running.tools))
    throw new TypeError(`an answer that is none of MCP (status ${got.status})`)
  }
  await takeBytes(carriage, told)
  const status = got.ok ? 200 : got.status >= 400 && got.status < 500 ? got.status : 502
  return { status, headers: [...jsonHeaders, ...session], body: told }
}

/** The response to this very message as text, changed where it has to be; `undefined` = it is none. */
function answerIn(text: string, { message, rewrite, heard }: Carriage): string | undefined {
  const value = jsonIn(text)
  if (!isObject(value) || value['id'] !== message.id || 'method' in value) return undefined
  const { result } = value
  // What cannot be cut to what the caller may see is not shown.
  if (rewrite !== undefined && result !== undefined && !isObject(result)) return undefined
  const shown = rewrite === undefined || !isObject(result) ? result : rewrite(result)
  const told = asksBack(value) ?? (shown === result ? value : { ...value, result: shown })
  const error = heard === undefined ? undefined : errorOf(told)
  if (heard !== undefined && error !== undefined) heard.error = error
  return told === value ? text : JSON.stringify(told)
}

/**
 * Events as they come: notifications of what is carried, and the response with which the stream ends. Requests of the server
 * are dropped, and so is the rest; the log has it once.
 */
async function stream(
  { tools, settings }: RunningMcp,
  carriage: Carriage,
  body: ReadableStream<Uint8Array>,
  session: readonly string[],
): Promise<void> {
  const { response, server } = carriage.passage
  const { heard } = carriage
  response.writeHead(200, [
    ...['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store', 'X-Accel-Buffering', 'no'],
    ...session,
  ])
  response.flushHeaders()
  let isTold = false
  for await (const data of eventsOf(body, mostBytes)) {
    const value = jsonIn(data)
    if (!isObject(value)) throw new TypeError('an event that is no message')
    if ('method' in value) {
      if (isNews(value)) {
        await takeBytes(carriage, data)
        await write(response, data)
      } else if (!isTold) {
        isTold = true
        tools.log.warn('messages of a server were dropped', { route: settings.name, server })
      }
      continue
    }
    const told = answerIn(data, carriage)
    if (told === undefined) continue
    if (heard !== undefined) heard.out += Buffer.byteLength(told)
    await takeBytes(carriage, told)
    await write(response, told)
    break
  }
  response.end()
}

async function takeBytes({ meter }: Carriage, text: string): Promise<void> {
  if (meter?.flows) await meter.take({ bytes: Buffer.byteLength(text) })
}

/** JSON without line breaks of its own is one line of data. */
async function write(response: ServerResponse, data: string): Promise<void> {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  if (response.destroyed || response.write(`event: message\n${lines.join('')}\n`)) return
  await new Promise<void>((resolve) => {
    const go = () => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.once('drain', go)
    response.once('close', go)
  })
}
