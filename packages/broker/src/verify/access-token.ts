import type { KeyObject } from 'node:crypto'
import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import { algorithms } from './algorithms.ts'
import { type Compact, parseCompact } from './compact.ts'

/** One of our own access tokens, verified. Says nothing about its lease. */
export interface AccessToken {
  readonly leaseId: string
  readonly subject: string
  readonly audience: string
  readonly clientId: string
  readonly scopes: readonly string[]
  /** Who acts now, in the words of `subject`; whoever acted before is history (RFC 8693 4.1). */
  readonly actor?: string | undefined
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface AccessTokenOptions {
  /** Our URL. */
  readonly issuer: string
  readonly publicKey: (kid: string) => KeyObject | undefined
  /** Seconds. No leeway: the clock that issued is ours. */
  readonly now: number
}

/** Verifies by RFC 9068 4. Throws `subject_token_invalid`, whatever was wrong. */
export function verifyAccessToken(token: string, options: AccessTokenOptions): AccessToken {
  const compact = parse(token)
  const fault = faultOf(compact, options)
  if (fault !== undefined) throw new Failure('subject_token_invalid', { reason: fault })
  const { claims } = compact
  return {
    leaseId: String(claims['jti']),
    subject: String(claims['sub']),
    audience: String(claims['aud']),
    clientId: String(claims['client_id']),
    scopes:
      typeof claims['scope'] === 'string' ? claims['scope'].split(' ').filter((each) => each !== '') : [],
    actor: actorOf(claims['act']),
    issuedAt: Number(claims['iat']),
    expiresAt: Number(claims['exp']),
  }
}

function parse(token: string): Compact {
  try {
    return parseCompact(token)
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown
    throw new Failure('subject_token_invalid', { reason: thrown.message })
  }
}

function actorOf(act: Json | undefined): string | undefined {
  return typeof act === 'object' && act !== null && 'sub' in act ? String(act['sub']) : undefined
}

function faultOf({ typ, algorithm, kid, claims, signed, signature }: Compact, options: AccessTokenOptions) {
  if (typ !== 'at+jwt' && typ !== 'application/at+jwt') return 'not an access token'
  if (algorithm !== 'ES256') return 'an algorithm that we do not sign with'
  if (claims['iss'] !== options.issuer) return 'not a token of ours'
  for (const name of ['jti', 'sub', 'aud', 'client_id'])
    if (typeof claims[name] !== 'string') return `no ${name}`
  for (const name of ['exp', 'iat']) if (!Number.isSafeInteger(claims[name])) return `no ${name}`
  const key = options.publicKey(kid)
  if (key === undefined) return 'a key that is not ours, or no longer'
  if (!algorithms.ES256.verify(signed, key, signature)) return 'the signature is wrong'
  return Number(claims['exp']) > options.now ? undefined : 'expired'
}
