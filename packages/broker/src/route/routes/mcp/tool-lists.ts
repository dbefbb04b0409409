/**
 * The tools of a server, as the server tells this caller: its own `tools/list`, asked when a call needs it and kept for a
 * minute. What a call has to keep of its tool's definition is found here.
 */
import type { JsonObject } from '../../../base/strict-json.ts'
import type { Admitted } from '../../route.ts'
import { isObject, jsonIn, type Message, metaOf } from './message.ts'
import { disagreement, hasOthers } from './mirrored-arguments.ts'
import { changedSince } from './pinned-tools.ts'
import type { Passage, RunningMcp } from './running.ts'
import { argumentsFault } from './schema/fits.ts'
import { messagesOf, mirroredHeaders, toServer } from './to-server.ts'
import { definitionOf, type Listed, type ToolDefinition } from './tool-definition.ts'

const keptMs = 60_000
const askMs = 10_000
const mostPages = 50
/** Tools of one list, and characters of all their definitions. */
const most = { tools: 2_000, characters: 4_194_304 } as const

/** A call on its way, and the server's own id of its legacy session, empty where there is none. */
export interface Calling {
  readonly passage: Passage
  readonly admitted: Admitted
  readonly message: Message
  readonly session: string
}

/** What is wrong with a call, in words. */
export interface CallFaults {
  /** Nobody looked: the caller may not use the tool. */
  readonly unseen?: true
  /** The tool is not the one that was pinned. */
  readonly changed?: string
  /** The headers do not say what the arguments say. */
  readonly headers?: string
  /** The arguments do not fit the schema. */
  readonly arguments?: string
}

/** The server does not know the session any more. */
export class SessionOver extends Error {}

/**
 * What is wrong with a call by the definition of its tool. Nothing is wrong, and no header goes on unread, by a list that was
 * kept alone: the tool may have changed since. Rejects when the server does not tell its tools; with `SessionOver` where
 * that is why.
 */
export async function callFaults(running: RunningMcp, calling: Calling): Promise<CallFaults> {
  const { passage, admitted, message } = calling
  const name = String(message.params['name'])
  const key = JSON.stringify([passage.server, admitted.subject, admitted.actor, message.isModern])
  const known = running.toolLists.get(key)
  const now = running.tools.now()
  if (known !== undefined && now < known.until) {
    // What another could not learn, such as one whose session is over or who left, this caller may.
    const listed = await known.listed.catch(() => undefined)
    if (listed !== undefined && isSettled(running, calling, listed.get(name))) return {}
  }
  passage.left.throwIfAborted()
  const kept = { listed: askFor(running, calling), until: now + keptMs }
  running.toolLists.forget(({ until }) => until <= now)
  running.toolLists.set(key, kept)
  const listed = await kept.listed.catch((thrown: unknown) => {
    if (running.toolLists.get(key) === kept) running.toolLists.delete(key)
    throw thrown
  })
  passage.left.throwIfAborted()
  return faultsOf(running, calling, listed.get(name))
}

/** Whether nothing is wrong with a call, as far as a list that was kept tells. */
function isSettled(running: RunningMcp, calling: Calling, definition: ToolDefinition | undefined): boolean {
  const isFaulty = Object.keys(faultsOf(running, calling, definition)).length > 0
  return !isFaulty && !hasUnread(calling, definition)
}

function faultsOf(
  running: RunningMcp,
  { passage, message }: Calling,
  definition: ToolDefinition | undefined,
): CallFaults {
  const { name, arguments: given = {} } = message.params
  const changed = changedSince(running.settings, passage.server, String(name), definition)
  if (changed !== undefined) return { changed }
  if (definition === undefined) return {}
  const { fault, inputSchema } = definition
  if (fault !== undefined) return { arguments: `The tool's own definition is at fault: ${fault}.` }
  const headers = message.isModern ? headersFault(passage, definition, given) : undefined
  if (headers !== undefined) return { headers }
  const unfit = isChecked(running, passage) ? argumentsFault(inputSchema, given) : undefined
  return unfit === undefined ? {} : { arguments: unfit }
}

function isChecked({ settings }: RunningMcp, { server }: Passage): boolean {
  return settings.servers[server]?.check_arguments !== false
}

function headersFault(passage: Passage, { mirrors }: ToolDefinition, given: unknown): string | undefined {
  if ('fault' in mirrors) return `The tool's own schema is at fault: ${mirrors.fault}.`
  return disagreement(mirrors, passage.request.headers, given)
}

/** Whether there are headers that this definition does not know. */
function hasUnread({ passage, message }: Calling, definition: ToolDefinition | undefined): boolean {
  const { mirrors = [] } = definition ?? {}
  return message.isModern && !('fault' in mirrors) && hasOthers(mirrors, passage.request.headers)
}

/** All pages, for as long as the caller is there. */
async function askFor(running: RunningMcp, calling: Calling): Promise<Listed> {
  const listed = new Map<string, ToolDefinition>()
  const ending = new AbortController()
  const cancel = running.tools.after(askMs, () => ending.abort(new TypeError('tools were not told in time')))
  const signal = AbortSignal.any([ending.signal, calling.passage.left])
  const { isModern, params } = calling.message
  try {
    let cursor: unknown
    for (let page = 0; page < mostPages; page += 1) {
      const asked = {
        ...(isModern ? { _meta: metaOf(params) } : {}),
        ...(typeof cursor === 'string' ? { cursor } : {}),
      }
      const result = await askPage(running, calling, asked, signal)
      for (const tool of Array.isArray(result['tools']) ? result['tools'] : []) keep(running, listed, tool)
      if (listed.size > most.tools || charactersOf(listed) > most.characters)
        throw new TypeError('a list that is too long')
      cursor = result['nextCursor']
      if (typeof cursor !== 'string') return listed
    }
    throw new TypeError('a list of tools without end')
  } finally {
    cancel()
  }
}

function charactersOf(listed: Listed): number {
  return [...listed.values()].reduce((sum, { size }) => sum + size, 0)
}

/** Of one definition there is one copy, however many callers were told it. */
function keep({ definitions }: RunningMcp, listed: Map<string, ToolDefinition>, tool: unknown): void {
  const definition = definitionOf(tool)
  if (definition === undefined || !isObject(tool)) return
  const known = definitions.get(definition.digest) ?? definition
  definitions.set(definition.digest, known)
  listed.set(String(tool['name']), known)
}

const id = 'mayfly-tools'

async function askPage(
  running: RunningMcp,
  { passage, admitted, message, session }: Calling,
  params: JsonObject,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { isModern } = message
  const mirrored = {
    ...mirroredHeaders(passage, { isModern, method: 'tools/list' }),
    ...(isModern ? { 'mcp-method': 'tools/list' } : {}),
    ...(session === '' ? {} : { 'mcp-session-id': session }),
  }
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params }))
  const got = await toServer(running, { passage, admitted, bytes, mirrored }, signal)
  if (got.status === 404 && !isModern) {
    await got.body?.cancel()
    throw new SessionOver('the session is over')
  }
  for await (const text of messagesOf(got)) {
    const value = jsonIn(text)
    if (!isObject(value) || value['id'] !== id || 'method' in value) continue
    if (isObject(value['result'])) return value['result']
    break
  }
  throw new TypeError(`the server does not tell its tools (status ${got.status})`)
}
