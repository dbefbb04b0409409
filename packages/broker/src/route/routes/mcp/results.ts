/** What of a server's answers a caller gets to see. */
import type { JsonObject } from '../../../base/strict-json.ts'
import { failedResult, rpcCodes } from './answers.ts'
import { isObject, type Message } from './message.ts'

/** A JSON-RPC result, changed or as it was. */
export type Rewrite = (result: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/** Whether a caller may see a tool of a list, by its name and by all that its server says of it. */
export type Visible = (name: string, tool: unknown) => boolean

/** MCP 2026-07-28, "Tool Names"; no name of dots alone, which would be another path. */
export function isToolName(name: string): boolean {
  return /^[A-Za-z0-9_.-]{1,128}$/.test(name) && !/^\.+$/.test(name)
}

/** How the result of this message is changed; `undefined` = it goes on as it came. */
export function rewriteOf({ method }: Message, visible: Visible): Rewrite | undefined {
  if (method === 'tools/list') return (result) => listOf(result, visible)
  if (method === 'initialize' || method === 'server/discover') return toolsAlone
  return method === 'tools/call' ? resultAlone : undefined
}

/**
 * A result that is a question (MCP 2026-07-28, "Multi Round-Trip Requests"): sampling, elicitation and roots are not carried,
 * so the model hears that the call came to nothing.
 */
function resultAlone(result: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { resultType = 'complete' } = result
  return resultType === 'complete'
    ? result
    : failedResult('The tool asks for something that is not carried here.')
}

/**
 * The answer in the place of an error that is a question: 2025-11-25 has a code for "open this address first" (MCP, "URL
 * Elicitation Required Error"), which the newest version has no more. `undefined`: it is none.
 */
export function asksBack({ id, error }: JsonObject): JsonObject | undefined {
  if (!isObject(error) || error['code'] !== -32042) return undefined
  const message = 'The server asks for something that is not carried here.'
  return { jsonrpc: '2.0', id: id ?? null, error: { code: rpcCodes.internal, message } }
}

/** Whether a message of a server is a notification of what is carried. */
export function isNews(message: JsonObject): boolean {
  return !Object.hasOwn(message, 'id') && news.has(message['method'])
}

const news: ReadonlySet<unknown> = new Set([
  'notifications/progress',
  'notifications/message',
  'notifications/tools/list_changed',
])

/** A list differs by token: nobody may keep it for others, and only shortly for the same one. */
const longestTtlMs = 60_000

function listOf(
  result: Readonly<Record<string, unknown>>,
  visible: Visible,
): Readonly<Record<string, unknown>> {
  const { tools: listed, ttlMs } = result
  const tools = (Array.isArray(listed) ? listed : []).filter((tool: unknown) => {
    const name = isObject(tool) ? tool['name'] : undefined
    return typeof name === 'string' && isToolName(name) && visible(name, tool)
  })
  const kept = typeof ttlMs === 'number' ? Math.min(ttlMs, longestTtlMs) : 0
  return { ...result, tools, cacheScope: 'private', ttlMs: kept }
}

/** Of what a server offers only tools are carried: nothing else may be promised. */
function toolsAlone(result: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { capabilities } = result
  const tools = isObject(capabilities) ? capabilities['tools'] : undefined
  return { ...result, capabilities: isObject(tools) ? { tools: {} } : {} }
}
