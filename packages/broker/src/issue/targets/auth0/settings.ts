import { z } from 'zod'
import { isLoopback } from '../../../base/address.ts'
import { secretReference } from '../../../base/reference.ts'

/** RFC 6749 3.3, without spaces: each is one scope. */
const scope = z.string().regex(/^[!#-[\]-~]{1,280}$/, 'is not a scope')

/** The settings of a target `auth0: { tenant, audience, scopes }` in a policy. */
export const auth0Settings = z.strictObject({
  tenant: z.string().min(1).describe('A connection of `connections.auth0` in the configuration'),
  audience: z.string().min(1).max(600).describe("The API's identifier, as Auth0 has it"),
  scopes: z
    .union([z.array(scope), z.record(scope, z.string())])
    .optional()
    .describe('Permissions of the API that a job may ask for'),
})

const hostName = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/** One entry of `connections.auth0`. */
export const auth0Connection = z
  .strictObject({
    domain: z.string().describe('Host of the tenant or its custom domain: acme.eu.auth0.com, no scheme'),
    client_id: z
      .string()
      .regex(/^[\x21-\x7e]{1,64}$/, 'must be a client id')
      .describe('Of a machine-to-machine application whose credential is a private key JWT'),
    private_key: secretReference.describe(
      'PEM of the RSA key whose public part the application has as its credential',
    ),
    key_id: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, 'must be a key id')
      .optional()
      .describe('Id (kid) that Auth0 gave the credential: tells several apart, while one replaces another'),
    algorithm: z
      .enum(['RS256', 'RS384', 'PS256'])
      .default('RS256')
      .describe('As the credential has it; Auth0 takes no other'),
    dangerously_allow_http: z
      .boolean()
      .default(false)
      .describe('Allows a domain on this machine, reached by plain http, for tests'),
  })
  .refine(
    ({ domain, dangerously_allow_http }) =>
      hostName.test(domain) || (dangerously_allow_http && isHere(domain)),
    {
      path: ['domain'],
      message: 'must be a host such as acme.eu.auth0.com, without scheme, port or path',
    },
  )

/** What a connection is reached at; ends without a slash. */
export function tenantUrl({ domain }: { readonly domain: string }): string {
  return hostName.test(domain) ? `https://${domain}` : `http://${domain}`
}

function isHere(domain: string): boolean {
  const url = URL.parse(`http://${domain}`)
  return url !== null && url.host === domain && isLoopback(url.hostname)
}
