import { isIP } from 'node:net'
import { z } from 'zod'
import { duration } from '../base/duration.ts'
import { isLoopbackAddress, isPrivateAddress, isPublicAddress } from './network-address.ts'
import { ownIssuers, presetNames } from './preset-names.ts'

/** A job that runs longer than a day asks again; a token that is accepted for longer is a password. */
const bounded = duration.refine((seconds) => seconds <= 86_400, 'must be 24h or less')

/** One entry of `issuers:` in `mayfly.yaml`: whose tokens we believe. Its key is the name that policies use. */
export const issuerSettings = z.strictObject({
  preset: z.enum(presetNames).describe('The platform: its algorithms, required claims and limits'),
  issuer: z
    .string()
    .optional()
    .describe('The exact `iss`. Needed where the platform gives each organisation or host its own'),
  jwks_uri: z.string().optional().describe('Where the keys are, when not where discovery on the issuer says'),
  jwks: z
    .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(50).readonly() })
    .optional()
    .describe('The keys themselves, for an issuer that the broker cannot reach (RFC 7517)'),
  private_network: z
    .boolean()
    .default(false)
    .describe('The issuer may have a private address, as a GitHub Enterprise Server or a cluster has'),
  dangerously_allow_http: z.boolean().default(false).describe('Plain http; works on loopback only'),
  max_age: bounded.optional().describe('Oldest token accepted, counted from `iat`'),
  max_lifetime: bounded.optional().describe('Longest `exp - iat` accepted'),
})

export type IssuerSettings = z.output<typeof issuerSettings>

/** The exact `iss` that is meant; `undefined` where the platform has none of its own and none is given. */
export function configuredIssuer({ issuer, preset }: IssuerSettings): string | undefined {
  return issuer ?? ownIssuers[preset]
}

/**
 * What is wrong with where the keys are said to be, in words that follow its name. The same rules hold when they are
 * fetched (`fetch-document.ts`); a mistake is said at the start and not by the first token.
 */
export function keyPlaceFault(settings: IssuerSettings): string | undefined {
  const { jwks_uri: place, jwks, private_network: inward, dangerously_allow_http: plain } = settings
  if (place === undefined) return undefined
  if (jwks !== undefined) return 'would never be read, because `jwks` holds the keys; leave one of them out'
  const url = URL.canParse(place) ? new URL(place) : undefined
  if (url === undefined) return 'is not a URL; write it like https://example.com/jwks.json'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials'
  if (url.hash !== '') return 'must not have a fragment'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const literal = isIP(host) !== 0
  const loopback = host === 'localhost' || (literal && isLoopbackAddress(host))
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback && plain)) {
    return 'must be https; plain http needs `dangerously_allow_http` and works on loopback only'
  }
  const reached =
    isPublicAddress(host) || (inward && isPrivateAddress(host)) || (plain && isLoopbackAddress(host))
  if (literal && !reached) return 'is an address that is not public; a private one needs `private_network`'
  return undefined
}
