/**
 * exchange: the story. Who is asking, may they, write it down, hand it over. The token endpoint, every dialect and
 * every other way to a credential goes through here; there is no second path. It receives implementations.
 */
import type { Secret } from './base/secret.ts'
import type { Credential } from './domain.ts'

export interface ExchangeRequest {
  readonly subjectToken: Secret
  /** How it was asked, for the record: `token-exchange`, `jwt-bearer`, a dialect's name. */
  readonly via: string
  /** A target's name (RFC 8693 `audience`). Exactly one of `target` and `resource`. */
  readonly target?: string
  /** A target's audience URI (RFC 8693 `resource`). */
  readonly resource?: string
  readonly scopes?: readonly string[]
  /** The lifetime wished for; it only ever shortens. */
  readonly seconds?: number
}

export interface ExchangeAnswer {
  readonly leaseId: string
  readonly credential: Credential
  readonly scopes: readonly string[]
  readonly issuedAt: number
  readonly expiresAt: number
}

export type Exchange = (request: ExchangeRequest) => Promise<ExchangeAnswer>
