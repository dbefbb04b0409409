/** A message on the way to its server: with the server's own token, who asks, and of the headers only what was compared. */
import type { Admitted } from '../../route.ts'
import type { AskServer } from './ask-server.ts'
import { eventsOf } from './events.ts'
import { mirrorPrefix } from './mirrored-arguments.ts'
import type { Passage, RunningMcp } from './running.ts'

/** A result that is larger is no answer for a model. */
export const mostBytes = 16_777_216

/** What is sent, for whom. */
export interface Outgoing {
  readonly passage: Passage
  readonly admitted: Admitted
  readonly bytes: Uint8Array
  /** `mcp-…` in lower case. */
  readonly mirrored: Readonly<Record<string, string>>
}

/** The server's answer, whatever it is. Rejects when there is none. */
export function toServer(
  { settings, ways }: RunningMcp,
  { passage, admitted, bytes, mirrored }: Outgoing,
  signal: AbortSignal,
): Promise<Response> {
  const server = settings.servers[passage.server]
  if (server === undefined) throw new TypeError('a server that is not configured')
  const headers = new Headers({
    ...mirrored,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'x-mayfly-subject': encodeURIComponent(admitted.subject),
    'x-mayfly-lease': admitted.leaseId,
    ...(admitted.actor === undefined ? {} : { 'x-mayfly-actor': encodeURIComponent(admitted.actor) }),
  })
  if (server.authorization !== undefined)
    headers.set('authorization', `Bearer ${server.authorization.reveal()}`)
  const ask: AskServer = ways.get(passage.server) ?? fetch
  return ask(server.url, {
    method: 'POST',
    headers,
    body: new Uint8Array(bytes),
    redirect: 'error',
    signal,
  })
}

/** The caller's headers that mirror its message. Of the legacy versions only the version's: the others mean nothing there. */
export function mirroredHeaders(
  { request }: Passage,
  { isModern, method }: { readonly isModern: boolean; readonly method: string },
): Record<string, string> {
  const isCall = method === 'tools/call'
  const goesOn = (name: string) =>
    name === 'mcp-protocol-version' ||
    (isModern && name === 'mcp-method') ||
    (isModern && isCall && (name === 'mcp-name' || name.startsWith(mirrorPrefix)))
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      goesOn(name) && typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

/** `application/json` and the like; empty where there is none. */
export function mediaTypeOf(got: Response): string {
  return (got.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
}

/** An answer that is one document. Throws a `TypeError` for one beyond `mostBytes` or that is no UTF-8. */
export async function textOf(got: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of got.body ?? []) {
    size += chunk.length
    if (size > mostBytes) throw new TypeError('an answer that is too long')
    chunks.push(chunk)
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
}

/** The messages in an answer, as text: one, or those of its stream. */
export async function* messagesOf(got: Response): AsyncGenerator<string> {
  if (mediaTypeOf(got) === 'text/event-stream' && got.body !== null) yield* eventsOf(got.body, mostBytes)
  else yield await textOf(got)
}
