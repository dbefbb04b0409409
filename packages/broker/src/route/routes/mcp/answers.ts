import type { Json } from '../../../base/canonical-json.ts'
import type { JsonObject } from '../../../base/strict-json.ts'
import type { Problem } from '../../bearer-error.ts'

/** The id of a JSON-RPC request. */
export type RpcId = string | number

/** JSON-RPC codes: of the specification of JSON-RPC, and of MCP's own range (MCP 2026-07-28, "Error Codes"). */
export const rpcCodes = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  headers: -32020,
  version: -32022,
} as const

/** Why a message is not carried: what its sender gets, and the reason for the log. */
export interface Refused {
  readonly refused: Problem
  readonly why: string
}

/** The same words for both. */
export function refusedAs(...of: Parameters<typeof rpcError>): Refused {
  return { refused: rpcError(...of), why: of[3] }
}

/** A JSON-RPC error. */
export function rpcError(
  status: number,
  id: RpcId | null,
  code: number,
  message: string,
  data?: Json,
): Problem {
  const error = { code, message, ...(data === undefined ? {} : { data }) }
  return json(status, { jsonrpc: '2.0', id, error })
}

/** The result of a call that was not made: in words for the model, which may ask for something else. */
export function callRefused(id: RpcId, text: string): Problem {
  return json(200, { jsonrpc: '2.0', id, result: failedResult(text) })
}

/** The result of a tool that failed, in words. */
export function failedResult(text: string): JsonObject {
  return { resultType: 'complete', isError: true, content: [{ type: 'text', text }] }
}

/** Of a JSON answer that nobody keeps. */
export const jsonHeaders: readonly string[] = [
  ...['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
  ...['X-Content-Type-Options', 'nosniff'],
]

/** A JSON answer that nobody keeps. */
export function json(status: number, body: Json): Problem {
  return { status, headers: jsonHeaders, body: JSON.stringify(body) }
}
