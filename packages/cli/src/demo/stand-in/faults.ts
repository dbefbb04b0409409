/** Ways in which a real service goes wrong, for one of its doors. */
import type { ServerResponse } from 'node:http'

export type Fault =
  /** The connection breaks before an answer. */
  | { readonly kind: 'down' }
  /** The answer comes after `ms`. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Nothing ever comes; the connection stays open. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'redirect'; readonly to: string }
  /** `bytes` of white space before the true answer. */
  | { readonly kind: 'huge'; readonly bytes: number }
  /** Something else instead of the true answer, with status 200. */
  | { readonly kind: 'lying'; readonly body: string }

export type Door = 'discovery' | 'jwks' | 'idToken'

/** Set a member and the door goes wrong from the next request on; delete it and it is well again. */
export type Faults = { [Name in Door]?: Fault }

/** Answers with `body`, or as `fault` has it. */
export function answer(response: ServerResponse, body: string, fault: Fault | undefined): void {
  if (fault?.kind === 'silent') return
  if (fault?.kind === 'down') {
    response.destroy()
    return
  }
  if (fault?.kind !== 'slow') {
    send(response, said(body, fault))
    return
  }
  const timer = setTimeout(() => send(response, said(body, undefined)), fault.ms)
  response.on('close', () => clearTimeout(timer))
}

interface Said {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

function said(body: string, fault: Exclude<Fault, { kind: 'silent' | 'down' | 'slow' }> | undefined): Said {
  switch (fault?.kind) {
    case 'status':
      return { status: fault.status, text: '{"message":"not now"}', headers: fault.headers ?? {} }
    case 'redirect':
      return { status: 302, text: '', headers: { location: fault.to } }
    case 'huge':
      return { status: 200, text: ' '.repeat(fault.bytes) + body }
    case 'lying':
      return { status: 200, text: fault.body }
    case undefined:
      return { status: 200, text: body }
  }
}

function send(response: ServerResponse, { status, text, headers }: Said): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
  response.end(text)
}
