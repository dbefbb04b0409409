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

/** A refusal as every protocol says it, before it is put in the form of one. */
export interface Refusal {
  readonly failure: Failure
  /** The log's entry that holds the reason, or a line of the broker's own log; callers may quote it. */
  readonly id: string
  /** Not longer than a line of a person's terminal needs; the reason is not in it. */
  readonly text: string
  /** No store, and Retry-After where it is worth to come again. */
  readonly headers: readonly string[]
}

/** What may be said of any thrown value. What is not a `Failure` says nothing but its correlation id, and is logged. */
export function refusalOf(thrown: unknown, tools: Tools): Refusal {
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
  const retryAfter = failure.retryAfter ?? row.retryAfter
  return {
    failure,
    id,
    text: printable(failure.detail ?? row.text),
    headers: retryAfter === undefined ? noStore : [...noStore, 'Retry-After', String(retryAfter)],
  }
}

/**
 * One sentence for clients that show one text and nothing else: what happened, for the verified holder of the token
 * why, and the id to ask the operator with. A token that somebody put in the wrong place is taken out (A43).
 */
export function sentenceOf({ failure, id, text }: Refusal): string {
  const { explanation } = failure
  const told = typeof explanation === 'object' && explanation !== null && 'summary' in explanation
  const why = told && typeof explanation.summary === 'string' ? `: ${explanation.summary}` : ''
  return withoutTokens(printable(`${text.replace(/\.$/, '')}${why} (${id})`))
}

/** Any thrown value as an answer. */
export function refuse(thrown: unknown, tools: Tools, style: RefusalStyle = {}): Answer {
  const refusal = refusalOf(thrown, tools)
  const { failure } = refusal
  const row = failureRow(failure.code)
  const body: Record<string, unknown> = {
    error: errorWord(failure, style),
    error_description: refusal.text,
    error_id: refusal.id,
  }
  if (failure.explanation !== undefined) body['explanation'] = failure.explanation
  const headers = [...refusal.headers]
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
