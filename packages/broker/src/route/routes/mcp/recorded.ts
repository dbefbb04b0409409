/** A message to a server of tools as the record has it, and what became of it. */
import type { ServerResponse } from 'node:http'
import type { Carried, Outcome } from '../../../base/carried.ts'
import type { Problem } from '../../bearer-error.ts'
import { redactedName, redactedNames } from '../../redacted.ts'
import { isObject, type Message } from './message.ts'

/** What was heard of an answer while it was carried. */
export interface Heard {
  /** Bytes of a stream. */
  out: number
  error?: string
}

/** Server, method and, of a call, the tool with the names of its arguments. */
export function carriedMessage(server: string, { method, params }: Message): Carried {
  const { name, arguments: given } = params
  const known = { kind: 'tool', server, method } as const
  if (method !== 'tools/call' || typeof name !== 'string') return known
  return {
    ...known,
    tool: redactedName(name),
    ...(isObject(given) ? { arguments: redactedNames(Object.keys(given)) } : {}),
  }
}

/** The code of an answer's error; `tool` where the tool itself says that it failed. */
export function errorOf(answer: Readonly<Record<string, unknown>>): string | undefined {
  const { error, result } = answer
  if (isObject(error)) return String(error['code']).slice(0, 32)
  return isObject(result) && result['isError'] === true ? 'tool' : undefined
}

/** `answer`: where it was no stream. */
export function outcomeOf(
  response: ServerResponse,
  answer: Problem | undefined,
  bytes: Buffer,
  { out, error }: Heard,
): Outcome {
  const isCut = answer === undefined && !response.writableEnded
  const status = answer?.status ?? (response.headersSent ? response.statusCode : undefined)
  return {
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error }),
    in: bytes.length,
    out: answer === undefined ? out : Buffer.byteLength(answer.body),
    ...(isCut ? { cut: true } : {}),
  }
}
