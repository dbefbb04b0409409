/** How a route that is guarded by bearer tokens says no (RFC 6750 3, RFC 9457). */
import { STATUS_CODES } from 'node:http'
import { type Failure, failureRow } from '../base/failure.ts'

/** An answer of our own, not of the upstream. Headers are a flat list, name after value. */
export interface Problem {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
  /** Scopes with which it would not have been refused; for the route, not for callers. */
  readonly needs?: readonly string[]
}

/** A problem document (RFC 9457 3). `detail` is shown to everybody. */
export function problem(
  status: number,
  detail: string,
  errorId: string,
  more: { readonly headers?: readonly string[]; readonly error?: string } = {},
): Problem {
  const members = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }
  const error = more.error === undefined ? {} : { error: more.error }
  return {
    status,
    headers: [
      ...['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store'],
      ...['X-Content-Type-Options', 'nosniff'],
      ...(more.headers ?? []),
    ],
    body: JSON.stringify({ ...members, ...error, error_id: errorId }),
  }
}

/**
 * A failure as the caller sees it. Every 401 of a presented token reads the same, whatever its cause; only the
 * `error_id` differs.
 */
export function bearerProblem(failure: Failure, errorId: string): Problem {
  const row = failureRow(failure.code)
  const status = row.bearer
  // RFC 6750 3.1: a request without any authentication gets no error code.
  const error = failure.code === 'client_rejected' ? undefined : row.bearerError
  const headers: string[] = []
  if ([400, 401, 403].includes(status)) {
    // RFC 6750 3: the description is the table's own text, so that nothing of a caller's stands between quotes.
    const more = error === undefined ? '' : `, error="${error}", error_description="${row.text}"`
    headers.push('WWW-Authenticate', `Bearer realm="mayfly"${more}`)
  }
  if (row.retryAfter !== undefined) headers.push('Retry-After', String(row.retryAfter))
  const mayDetail = status !== 401 && status !== 500
  const detail = mayDetail ? (failure.detail ?? row.text) : row.text
  const said = problem(status, detail, errorId, { headers, ...(error === undefined ? {} : { error }) })
  return failure.needs === undefined ? said : { ...said, needs: failure.needs }
}

/** A refusal of the token with the place where its holder learns who gives tokens (RFC 9728 5.1). */
export function withPlace(refused: Problem, place: string): Problem {
  const headers = refused.headers.map((value, at) =>
    refused.headers[at - 1] === 'WWW-Authenticate' ? `${value}, resource_metadata="${place}"` : value,
  )
  return { ...refused, headers }
}
