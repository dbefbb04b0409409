/**
 * The one error table: code -> how each protocol says it. `detail` may be shown to the caller,
 * `cause` never leaves the process. Anything thrown that is not a `Failure` is `internal`.
 */
import type { Json } from './canonical-json.ts'

interface Row {
  /** Status at the token endpoint, RFC 6749 5.2 and RFC 8693 2.2.2. */
  readonly status: number
  readonly oauth: string
  /** The RFC 7523 grant names a bad assertion differently (3.1). */
  readonly assertion?: string
  /** Status and error of a bearer-protected resource, RFC 6750 3.1. */
  readonly bearer: number
  readonly bearerError?: string
  readonly sqlstate: string
  /** The status of a gRPC service behind a JSON gateway (octo-sts); its HTTP status is `bearer`. */
  readonly grpc: number
  /** The code of AWS STS in its query protocol. */
  readonly aws: string
  /** The status of Vault, whose clients come again after a 412 and the 5xx. */
  readonly vault: number
  /** What everybody may read, whatever the cause was. Only characters of RFC 6749 5.2. */
  readonly text: string
  /** Seconds for Retry-After. */
  readonly retryAfter?: number
}

export const failures = {
  request_malformed: {
    status: 400,
    oauth: 'invalid_request',
    bearer: 400,
    bearerError: 'invalid_request',
    sqlstate: '08P01',
    grpc: 3,
    aws: 'ValidationError',
    vault: 400,
    text: 'The request is malformed.',
  },
  request_too_large: {
    status: 413,
    oauth: 'invalid_request',
    bearer: 413,
    bearerError: 'invalid_request',
    sqlstate: '08P01',
    grpc: 3,
    aws: 'ValidationError',
    vault: 413,
    text: 'The request is too large.',
  },
  grant_type_unsupported: {
    status: 400,
    oauth: 'unsupported_grant_type',
    bearer: 400,
    sqlstate: '08P01',
    grpc: 3,
    aws: 'InvalidAction',
    vault: 405,
    text: 'This grant type is not supported.',
  },
  client_rejected: {
    status: 401,
    oauth: 'invalid_client',
    bearer: 401,
    bearerError: 'invalid_token',
    sqlstate: '28000',
    grpc: 16,
    aws: 'InvalidClientTokenId',
    vault: 403,
    text: 'The caller is not authenticated.',
  },
  subject_token_invalid: {
    status: 400,
    oauth: 'invalid_request',
    assertion: 'invalid_grant',
    bearer: 401,
    bearerError: 'invalid_token',
    sqlstate: '28000',
    grpc: 16,
    aws: 'InvalidIdentityToken',
    vault: 400,
    text: 'The token was not accepted.',
  },
  target_refused: {
    status: 400,
    oauth: 'invalid_target',
    bearer: 403,
    bearerError: 'insufficient_scope',
    sqlstate: '28000',
    grpc: 7,
    aws: 'AccessDenied',
    vault: 403,
    text: 'The target is unknown or not allowed.',
  },
  scope_refused: {
    status: 400,
    oauth: 'invalid_scope',
    bearer: 403,
    bearerError: 'insufficient_scope',
    sqlstate: '42501',
    grpc: 7,
    aws: 'AccessDenied',
    vault: 403,
    text: 'The scope is not allowed.',
  },
  rate_limited: {
    status: 429,
    oauth: 'invalid_request',
    bearer: 429,
    sqlstate: '53300',
    grpc: 8,
    aws: 'Throttling',
    vault: 429,
    text: 'Too many requests.',
    retryAfter: 5,
  },
  budget_spent: {
    status: 400,
    oauth: 'invalid_target',
    bearer: 403,
    sqlstate: '53400',
    grpc: 8,
    aws: 'LimitExceeded',
    vault: 403,
    text: 'The budget of this job is spent.',
  },
  not_approved: {
    status: 400,
    oauth: 'invalid_target',
    bearer: 403,
    sqlstate: '42501',
    grpc: 7,
    aws: 'AccessDenied',
    vault: 403,
    text: 'Nobody approved this.',
  },
  provider_unavailable: {
    status: 503,
    oauth: 'temporarily_unavailable',
    bearer: 503,
    sqlstate: '08006',
    grpc: 14,
    aws: 'ServiceUnavailable',
    vault: 503,
    text: 'A system that this request needs is not available.',
    retryAfter: 5,
  },
  internal: {
    status: 500,
    oauth: 'server_error',
    bearer: 500,
    sqlstate: 'XX000',
    grpc: 13,
    aws: 'InternalFailure',
    vault: 500,
    text: 'Something went wrong on our side.',
  },
} as const satisfies Record<string, Row>

export type FailureCode = keyof typeof failures

/** The row of a code, widened to the common shape. */
export function failureRow(code: FailureCode): Row {
  return failures[code]
}

export interface FailureOptions {
  /** May be shown to the caller: says what, where and how to mend it, holds nothing secret. */
  readonly detail?: string | undefined
  /** Goes to the audit entry only: why, in words for the operator. Never the token or a secret. */
  readonly reason?: string | undefined
  /** For the verified holder of the token only: which condition failed, what the token had, what was needed. */
  readonly explanation?: Json | undefined
  /** The policy's own word for its refusal; goes to the audit entry only. */
  readonly decision?: string | undefined
  /** The id of the audit entry that holds the reason; callers may quote it. */
  readonly entry?: string | undefined
  /** Scopes with which it would not have been refused. */
  readonly needs?: readonly string[] | undefined
  /** Seconds for Retry-After, where whoever refused us said more than the table does. */
  readonly retryAfter?: number | undefined
  readonly cause?: unknown
}

/** The only error that reaches a renderer as itself. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly detail: string | undefined
  readonly reason: string
  readonly explanation: Json | undefined
  readonly decision: string | undefined
  readonly entry: string | undefined
  readonly needs: readonly string[] | undefined
  readonly retryAfter: number | undefined

  constructor(code: FailureCode, options: FailureOptions = {}) {
    super(
      options.reason ?? options.detail ?? code,
      options.cause === undefined ? {} : { cause: options.cause },
    )
    this.name = 'Failure'
    this.code = code
    this.detail = options.detail
    this.reason = options.reason ?? options.detail ?? code
    this.explanation = options.explanation
    this.decision = options.decision
    this.entry = options.entry
    this.needs = options.needs
    this.retryAfter = options.retryAfter
  }

  /** The same failure, with the id of the audit entry that holds its reason. */
  recorded(entry: string): Failure {
    const { detail, reason, explanation, decision, needs, retryAfter, cause } = this
    return new Failure(this.code, {
      ...{ detail, reason, explanation, decision, needs, retryAfter, cause, entry },
    })
  }
}

/** Any thrown value as a `Failure`: what is not one becomes `internal`, with its cause kept inside. */
export function asFailure(thrown: unknown): Failure {
  return thrown instanceof Failure ? thrown : new Failure('internal', { cause: thrown })
}
