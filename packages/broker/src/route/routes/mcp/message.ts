/** One message of a caller: what it asks for, in which era of the protocol, and whether its headers say the same. */
import type { IncomingHttpHeaders } from 'node:http'
import type { JsonObject } from '../../../base/strict-json.ts'
import { type Refused, type RpcId, refusedAs, rpcCodes } from './answers.ts'

/** The version of the modern era that we speak. */
export const modern = '2026-07-28'
const legacy: ReadonlySet<string> = new Set(['2025-06-18', '2025-11-25'])

export interface Message {
  /** Absent: a notification. */
  readonly id: RpcId | undefined
  readonly method: string
  readonly params: JsonObject
  /** The caller asked in the modern way: every request says all that is needed. */
  readonly isModern: boolean
}

const meta = 'io.modelcontextprotocol/'

/** The message in a body, or the answer to what is none (MCP 2026-07-28, "Sending Messages", "Server Validation"). */
export function readMessage(body: JsonObject, headers: IncomingHttpHeaders): Message | Refused {
  const { jsonrpc, id, method, params = {} } = body
  const known =
    typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id)) ? id : undefined
  const bad = (message: string) => refusedAs(400, known ?? null, rpcCodes.request, message)
  if (jsonrpc !== '2.0') return bad('jsonrpc must be 2.0.')
  if (id !== undefined && known === undefined) return bad('id must be text or a whole number.')
  // A response of the caller's would answer a request of the server's, and none of these is carried.
  if (typeof method !== 'string') return bad('The body must be one request or one notification.')
  if (!isObject(params)) return refusedAs(400, known ?? null, rpcCodes.params, 'params must be an object.')
  const said = isObject(params['_meta']) ? params['_meta'][`${meta}protocolVersion`] : undefined
  const message = { id: known, method, params, isModern: said !== undefined }
  const refused = message.isModern ? modernFault(message, said, headers) : legacyFault(message, headers)
  return refused ?? message
}

function modernFault(
  { id, method, params }: Message,
  said: unknown,
  headers: IncomingHttpHeaders,
): Refused | undefined {
  const of = id ?? null
  const capabilities = isObject(params['_meta']) ? params['_meta'][`${meta}clientCapabilities`] : undefined
  if (!isObject(capabilities))
    return refusedAs(400, of, rpcCodes.params, `_meta needs ${meta}clientCapabilities.`)
  if (headers['mcp-protocol-version'] !== said)
    return refusedAs(400, of, rpcCodes.headers, 'MCP-Protocol-Version is not what _meta says.')
  if (said !== modern)
    return refusedAs(400, of, rpcCodes.version, 'This version is not spoken here.', {
      ...{ supported: [modern], requested: String(said) },
    })
  if (plain(headers['mcp-method']) !== method)
    return refusedAs(400, of, rpcCodes.headers, 'Mcp-Method is not the method.')
  if (method === 'tools/call' && plain(headers['mcp-name']) !== params['name'])
    return refusedAs(400, of, rpcCodes.headers, 'Mcp-Name is not the name.')
  return undefined
}

function legacyFault({ id, method }: Message, headers: IncomingHttpHeaders): Refused | undefined {
  const version = headers['mcp-protocol-version']
  // The first message has none; later ones of clients that send none are read as they would be with one.
  if (version === undefined || method === 'initialize') return undefined
  if (typeof version === 'string' && legacy.has(version)) return undefined
  return refusedAs(400, id ?? null, rpcCodes.request, 'This MCP-Protocol-Version is not spoken here.')
}

/** MCP 2026-07-28, "Value Encoding": what does not fit into a header comes as base64 of UTF-8. `undefined`: it is neither. */
export function plain(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string') return undefined
  const coded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  // Beyond ASCII two readers may read two texts.
  if (coded === undefined) return /^[\t -~]*$/.test(value) ? value : undefined
  const bytes = Buffer.from(coded, 'base64')
  // What one reader mends and another does not would be two values.
  if (bytes.toString('base64') !== coded) return undefined
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : undefined
}

/** What a modern request says of its caller, without what belongs to that request alone. */
export function metaOf({ _meta }: JsonObject): JsonObject {
  const said = isObject(_meta) ? _meta : {}
  const names = ['protocolVersion', 'clientInfo', 'clientCapabilities'].map((name) => `${meta}${name}`)
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(said, name) ? [[name, said[name] ?? null]] : [])),
  )
}

/** A server's words as JSON. Throws a `TypeError`, which tells nothing of them: it goes into the log. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError('an answer that is no JSON')
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
