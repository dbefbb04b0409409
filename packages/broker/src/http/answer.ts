import type { IncomingHttpHeaders } from 'node:http'
import type { Json } from '../base/canonical-json.ts'

/** What a door is asked: a request whose body is complete and within its limit. */
export interface Asked {
  readonly headers: IncomingHttpHeaders
  /** The query as sent, without `?`. */
  readonly query: string
  readonly body: Buffer
  /** What stands in place of `{name}` in the door's path. */
  readonly name?: string
}

/** What a door answers. Headers are a flat list, name after value, because Node writes that form fastest. */
export interface Answer {
  readonly status: number
  readonly headers: readonly string[]
  /** Text, or the bytes of a file. */
  /** Called when the caller left before it had all of the answer. */
  readonly dropped?: () => Promise<void>
  readonly body: string | Uint8Array
}

export type Door = (asked: Asked) => Answer | Promise<Answer>

/** RFC 6749 5.1: an answer with a token is never kept by anyone on the way. Same for errors (5.2 shows them). */
export const noStore: readonly string[] = [
  'Content-Type',
  'application/json',
  'Cache-Control',
  'no-store',
  'Pragma',
  'no-cache',
  'X-Content-Type-Options',
  'nosniff',
]

/** A JSON answer that nobody keeps. */
export function json(status: number, body: Json): Answer {
  return { status, headers: noStore, body: JSON.stringify(body) }
}

/** A plain answer of another media type that nobody keeps. */
export function plain(status: number, mediaType: string, body: string): Answer {
  return {
    status,
    headers: ['Content-Type', mediaType, 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'],
    body,
  }
}
