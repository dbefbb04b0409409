import { z } from 'zod'
import { duration } from '../base/duration.ts'
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
