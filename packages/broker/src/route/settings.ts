import { z } from 'zod'
import { address, isLoopback } from '../base/address.ts'
import { duration } from '../base/duration.ts'
import { secretReference } from '../base/reference.ts'
import type { Secret } from '../base/secret.ts'
import { health, inject, upstreams, upstreamTls } from './upstream-settings.ts'

const routeName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens, and start with a letter')
  .describe('Name in the log and in metrics')

const via = routeName.optional().describe('The connector through which the upstream is reached')

/** `connectors:`: who serves upstreams that the broker cannot dial, by the name that routes use. */
export const connectorSettings = z
  .record(
    routeName,
    z.strictObject({
      target: z
        .string()
        .min(1)
        .describe('The target whose tokens make a connector: with the scope `serve:` and its name'),
    }),
  )
  .describe('Those who dial us, and through whom routes reach private networks')

const connections = (usual: number) =>
  z
    .int()
    .min(1)
    .max(65_535)
    .default(usual)
    .describe('Callers that may be connected at once; more are turned away')

const routeTls = z.strictObject({
  certificate: secretReference.describe('The certificate and its chain, PEM'),
  key: secretReference.describe('Its private key, PEM'),
})

const postgres = z
  .strictObject({
    kind: z.literal('postgres'),
    name: routeName,
    listen: address.describe('Address where callers arrive'),
    target: z.string().min(1).describe('The target `postgres_role` whose tokens are let in'),
    tls: routeTls
      .optional()
      .describe('Without it the route listens on loopback alone: the token is the password'),
    sign_in_timeout: duration
      .prefault('10s')
      .describe('A caller that is not signed in after this long is cut'),
    idle_timeout: duration.prefault('10m').describe('A session in which nothing moves for this long is cut'),
    max_connections: connections(1000),
    max_statement_bytes: z
      .int()
      .min(1024)
      .max(67_108_864)
      .default(1_048_576)
      .describe('Length that a message with statements may have'),
    max_values_bytes: z
      .int()
      .min(1024)
      .max(1_073_741_823)
      .default(67_108_864)
      .describe('Length that the values of one statement may have (Bind); COPY has no limit'),
  })
  .refine(({ listen, tls }) => tls !== undefined || isLoopback(listen.host), {
    path: ['tls'],
    error: 'is missing: a token may only travel over TLS, or on loopback',
  })

const serverUrl = z
  .string()
  .regex(
    /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
    'must be a URL without query or credentials, http://127.0.0.1:3001/mcp',
  )

const mcp = z.strictObject({
  kind: z.literal('mcp'),
  name: routeName,
  listen: address.describe('Address where callers arrive'),
  target: z.string().min(1).describe('The target whose tokens are let in'),
  tls: routeTls.optional().describe('Callers come by HTTPS, with HTTP/1.1 or HTTP/2'),
  servers: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens'),
      z.strictObject({
        url: serverUrl.describe('Where the server speaks streamable HTTP'),
        target: z
          .string()
          .min(1)
          .optional()
          .describe("The target whose tokens this server takes, where it is not the route's"),
        via,
        authorization: secretReference
          .optional()
          .describe('Sent to the server as a bearer; callers never see it'),
        tools: z
          .record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 digits'))
          .optional()
          .describe('Digests of the tools that are offered, by name; one that changes is not'),
        check_arguments: z
          .boolean()
          .default(true)
          .describe('Whether the arguments of a call have to fit the schema of its tool'),
      }),
    )
    .refine((servers) => Object.keys(servers).length > 0, 'names no server')
    .describe('By the path at which callers find them, the servers behind the route'),
  origins: z
    .array(z.string().regex(/^https?:\/\/[^\s/]+$/, 'must be an origin, https://console.example.com'))
    .default([])
    .describe('Origins of pages that may ask; programs have none'),
  max_connections: connections(8192),
})

const origin = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (url !== undefined && isSecure && [url.origin, `${url.origin}/`].includes(text)) return url.origin
  context.addIssue({ code: 'custom', message: 'must be an origin alone, https://admin.example.com' })
  return z.NEVER
})

const signIn = z.strictObject({
  issuer: z.string().min(1).describe('An issuer of `issuers` with the preset `oidc`: the provider'),
  url: origin.describe('The origin by which browsers know the route'),
  client_id: z.string().min(1).max(255).describe('Ours at the provider'),
  client_secret: secretReference.describe('Its secret; sent by HTTP Basic'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/))
    .default(['profile', 'email'])
    .describe('Asked for beside `openid`'),
  acr_values: z
    .array(z.string().regex(/^[\x21-\x7E]+$/))
    .default([])
    .describe('How strongly one has to sign in; the policy decides by the claim `acr`'),
})

/** `approvals:`: who is asked to approve what the policy holds. */
export const approvalSettings = z.strictObject({
  url: z
    .string()
    .refine((text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined
      if (url === undefined || url.username !== '' || url.password !== '') return false
      return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
    }, 'must be https (http on loopback only), without credentials')
    .describe('Gets each call that is held, and answers'),
  secret: secretReference.describe('Signs what is sent there: HMAC with SHA-256'),
  timeout: duration.prefault('5m').describe('A call that nobody approved after this long is refused'),
})

/** One entry of `routes:`: a protocol that we carry to what stands behind us. */
export const routeSettings = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('http'),
      name: routeName,
      listen: address.describe('Address where callers arrive'),
      tls: routeTls.optional().describe('Callers come by HTTPS, with HTTP/1.1 or HTTP/2'),
      upstream: upstreams.describe('Origin of the API behind the route, or several where it runs'),
      health: health.optional().describe('How its places are asked whether they are well'),
      via,
      target: z.string().min(1).describe('The target whose tokens are let in'),
      header_timeout: duration
        .prefault('10s')
        .describe('A caller that has not sent the head of its request after this long is cut'),
      idle_timeout: duration
        .prefault('60s')
        .describe('An exchange with the upstream during which nothing moves for this long is cut'),
      max_connections: connections(8192),
      upstream_tls: upstreamTls.optional().describe('How the upstream is known, and we to it, over TLS'),
      upstream_http2: z
        .boolean()
        .optional()
        .describe('The upstream speaks HTTP/2, as gRPC needs it; without TLS from the first octet on'),
      inject: inject
        .optional()
        .describe('What the upstream gets in the place of the token; no caller sees it'),
      assertion: z
        .boolean()
        .default(false)
        .describe('The upstream gets who asks as a token signed by us, for its origin'),
      sign_in: signIn.optional().describe('People come in by an OpenID Provider'),
    })
    .refine(
      ({ upstream, upstream_tls }) =>
        upstream_tls === undefined || [upstream].flat().every((each) => each.startsWith('https:')),
      {
        path: ['upstream_tls'],
        error: 'needs an `upstream` of https: over http nothing of it would be used',
      },
    ),
  postgres,
  mcp,
])

export type RouteSettings = z.output<typeof routeSettings>
type Read = 'upstream' | 'sign_in' | 'tls' | 'upstream_tls' | 'inject' | 'assertion'
export type HttpRouteSettings = Omit<Extract<RouteSettings, { kind: 'http' }>, Read> & {
  readonly upstream: string | readonly string[]
  readonly tls?: { readonly certificate: Secret; readonly key: Secret } | undefined
  readonly upstream_tls?:
    | {
        readonly ca?: Secret | undefined
        readonly certificate?: Secret | undefined
        readonly key?: Secret | undefined
        readonly server_name?: string | undefined
      }
    | undefined
  readonly inject?: Injection | undefined
  readonly assertion?: boolean | undefined
}

/** What the upstream gets in the place of the token. */
export type Injection =
  | { readonly github_app: true }
  | { readonly aws_sigv4: { readonly service: string; readonly region?: string | undefined } }
  | { readonly bearer: Secret }
  | { readonly basic: { readonly user: string; readonly password: Secret } }
  | { readonly header: { readonly name: string; readonly value: Secret } }
