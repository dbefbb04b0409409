/**
 * federation: tokens that clouds exchange for their own credentials. They have keys of their own and a type of their
 * own, so that no cloud's token passes at our doors and none of ours at a cloud's.
 */
import type { Tools } from '../base/tools.ts'
import type { Grant } from '../domain.ts'
import type { Keys } from './keys.ts'

/** What a cloud is told beside what every token has. */
export interface FederationClaims {
  /** The one audience that the cloud expects. */
  readonly aud: string
  readonly [claim: string]: unknown
}

/** Signs for one lease. Throws `provider_unavailable` when no key can sign. */
export type SignFederation = (grant: Grant, claims: FederationClaims) => Promise<string>

/** Long enough to be exchanged, too short to be of use to whoever finds it later. */
export const federationSeconds = 300

export interface FederationParts {
  readonly url: string
  readonly keys: Pick<Keys, 'signer'>
  /** The stable id of the workload: at most 127 ASCII characters, which is what clouds take. */
  readonly subject: (grant: Grant) => string
  readonly tools: Pick<Tools, 'now'>
}

/** `typ: JWT`, RS256, no `azp`; `exp` never after the lease's own end. */
export function openFederation({ url, keys, subject, tools }: FederationParts): SignFederation {
  return async (grant, claims) => {
    const signer = keys.signer()
    const now = Math.floor(tools.now() / 1000)
    const head = { alg: signer.algorithm, typ: 'JWT', kid: signer.kid }
    const body = {
      ...claims,
      iss: url,
      sub: subject(grant),
      iat: now,
      nbf: now,
      exp: Math.min(now + federationSeconds, grant.expiresAt),
      jti: grant.leaseId,
    }
    const input = `${encode(head)}.${encode(body)}`
    return `${input}.${signer.sign(input).toString('base64url')}`
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
