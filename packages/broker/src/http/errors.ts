/** The token endpoint's way of saying no (RFC 6749 5.2), for every door. One table, one renderer. */
import { asFailure, type Failure, failureRow } from '../base/failure.ts'
import { newId } from '../base/id.ts'
import { withoutTokens } from '../base/scrub.ts'
import type { Tools } from '../base/tools.ts'
import { type Answer, noStore } from './answer.ts'

export interface RefusalStyle {
  /** The RFC 7523 grant names a bad assertion `invalid_grant` (3.1). */
  readonly assertion?: boolean
  /** How the caller authenticates at this door; `Bearer` also brings the words of RFC 6750 3.1. */
  readonly scheme?: 'Basic' | 'Bearer'
}

/** Any thrown value as an answer. What is not a `Failure` says nothing but its correlation id, and is logged. */
export function refuse(thrown: unknown, tools: Tools, style: RefusalStyle = {}): Answer {
  const failure = asFailure(thrown)
  const row = failureRow(failure.code)
  const id = failure.entry ?? newId('er', tools)
  if (failure.code === 'internal') {
    tools.log.error('a request failed', { error_id: id, reason: failure.reason, cause: failure.cause })
  } else if (failure.code === 'provider_unavailable') {
    tools.log.warn('something that we need is away', {
      error_id: id,
      reason: failure.reason,
      cause: failure.cause,
    })
  }
  const body: Record<string, unknown> = {
    error: errorWord(failure, style),
    error_description: printable(failure.detail ?? row.text),
    error_id: id,
  }
  if (failure.explanation !== undefined) body['explanation'] = failure.explanation
  const headers = [...noStore]
  const retryAfter = failure.retryAfter ?? row.retryAfter
  if (retryAfter !== undefined) headers.push('Retry-After', String(retryAfter))
  if (row.status === 401) headers.push('WWW-Authenticate', challenge(style.scheme))
  // An explanation repeats what was asked for, and somebody asks with a token in the wrong place (A43).
  return { status: row.status, headers, body: withoutTokens(JSON.stringify(body)) }
}

function errorWord(failure: Failure, style: RefusalStyle): string {
  const row = failureRow(failure.code)
  if (style.assertion === true && row.assertion !== undefined) return row.assertion
  if (style.scheme === 'Bearer' && row.status === 401 && row.bearerError !== undefined) return row.bearerError
  return row.oauth
}

function challenge(scheme: 'Basic' | 'Bearer' | undefined): string {
  return scheme === 'Bearer' ? 'Bearer realm="mayfly", error="invalid_token"' : 'Basic realm="mayfly"'
}

/** EP-10: `error_description` holds %x20-21 / %x23-5B / %x5D-7E only (RFC 6749 5.2). */
export function printable(text: string): string {
  const cut = text.length > 500 ? `${text.slice(0, 500)}...` : text
  if (/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/.test(cut)) return cut
  return cut
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replace(/[^\x20-\x7e]/gu, '?')
}
