/** What other systems read to trust our tokens: discovery (RFC 8414, OpenID Connect Discovery) and keys (RFC 7517). */
import { createHash } from 'node:crypto'
import type { Json } from '../base/canonical-json.ts'
import type { Answer, Asked } from './answer.ts'
import type { Doors } from './doors.ts'
import { jwtBearer, tokenExchange } from './token.ts'

/** Long enough to spare us, short enough that a new key is known before it signs (JK-7, JK-8). */
const cached = 'public, max-age=300'

/** The same document at both well-known paths (AT-11). No empty lists (RFC 8414 3.2). */
export function discoveryDocument(parts: Pick<Doors, 'url' | 'algorithms' | 'introspectionClients'>): Json {
  const { url } = parts
  return {
    issuer: url,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/.well-known/jwks.json`,
    introspection_endpoint: `${url}/introspect`,
    revocation_endpoint: `${url}/revoke`,
    grant_types_supported: [tokenExchange, jwtBearer],
    // Nobody signs in here; GitHub's own document says the same of itself (MD-4, MD-5).
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: parts.algorithms,
    token_endpoint_auth_methods_supported: ['none'],
    introspection_endpoint_auth_methods_supported:
      parts.introspectionClients.length > 0 ? ['client_secret_basic', 'Bearer'] : ['Bearer'],
    revocation_endpoint_auth_methods_supported: ['none'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope'],
  }
}

/** A public document with an entity tag; 304 to whoever has it already. */
export function publicDocument(asked: Asked, document: Json): Answer {
  const body = JSON.stringify(document)
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const headers = [
    'Content-Type',
    'application/json',
    'Cache-Control',
    cached,
    'ETag',
    tag,
    // Public by design: a browser page may check our signatures too.
    'Access-Control-Allow-Origin',
    '*',
    'X-Content-Type-Options',
    'nosniff',
  ]
  return holds(asked.headers['if-none-match'], tag)
    ? { status: 304, headers, body: '' }
    : { status: 200, headers, body }
}

/** Whether whoever asks has this entity tag already: RFC 9110 13.1.2, weak comparison. */
export function holds(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag)
}
