import type { Json } from '../../../base/canonical-json.ts'
import { type Problem, problem } from '../../bearer-error.ts'

/** An answer of our own. Headers are a flat list, name after value. */
export type Answer = Problem

/** The id of a JSON-RPC request. */
export type RpcId = string | number

/** A fault of HTTP, below any message. */
export function httpProblem(status: number, detail: string, errorId: string): Answer {
  return problem(status, detail, errorId)
}

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

/** A JSON-RPC error. */
export function rpcError(
  status: number,
  id: RpcId | null,
  code: number,
  message: string,
  data?: Json,
): Answer {
  const error = { code, message, ...(data === undefined ? {} : { data }) }
  return json(status, { jsonrpc: '2.0', id, error })
}

/** The result of a call that was not made: in words for the model, which may ask for something else. */
export function callRefused(id: RpcId, text: string): Answer {
  const result = { resultType: 'complete', isError: true, content: [{ type: 'text', text }] }
  return json(200, { jsonrpc: '2.0', id, result })
}

/** Of a JSON answer that nobody keeps. */
export const jsonHeaders: readonly string[] = [
  ...['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
  ...['X-Content-Type-Options', 'nosniff'],
]

/** A JSON answer that nobody keeps. */
export function json(status: number, body: Json): Answer {
  return { status, headers: jsonHeaders, body: JSON.stringify(body) }
}
