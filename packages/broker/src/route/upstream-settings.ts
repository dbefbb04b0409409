/** What a route of kind `http` says of its upstream: where it runs, how it is known, and what is put in for it. */
import { z } from 'zod'
import { duration } from '../base/duration.ts'
import { secretReference } from '../base/reference.ts'

/** An origin alone: whatever else stood here would be joined with paths of callers. */
const upstream = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(text)) {
    return url.origin
  }
  context.addIssue({
    code: 'custom',
    message: 'must be an origin alone, such as http://127.0.0.1:3000: no path, query or credentials',
  })
  return z.NEVER
})

export const upstreamTls = z
  .strictObject({
    ca: secretReference.optional().describe('Who may vouch for the upstream, PEM; nobody else may then'),
    certificate: secretReference.optional().describe('Ours, and its chain, PEM'),
    key: secretReference.optional().describe('Its private key, PEM'),
    server_name: z
      .string()
      .regex(
        /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
        'must be a host name in lower case',
      )
      .optional()
      .describe('The name that the upstream has to prove, where that is not the host of its origin'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: 'a certificate needs its key, and a key its certificate',
  })

const injected = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, 'must be the name of a field, X-Api-Key')

export const upstreams = z.union([
  upstream,
  z
    .array(upstream)
    .min(1)
    .max(64)
    .refine((all) => new Set(all).size === all.length, 'names an origin twice')
    .refine((all) => new Set(all.map((each) => each.split(':')[0])).size === 1, 'mixes http and https'),
])

export const health = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\x21-\x22\x24-\x7e]*$/, 'must be a path, /healthz')
    .describe('Answered with 2xx by who is well'),
  interval: duration.prefault('10s').describe('Time between two questions'),
  timeout: duration.prefault('2s').describe('An answer that takes longer is none'),
})

/** What RFC 9110 7.6.1 binds to one connection, what frames or steers the message, and what we say of the caller. */
function isSaidByRoute(name: string): boolean {
  return /^(?:x-mayfly.*|x-forwarded.*|forwarded|proxy.*|content-.*|transfer-.*|host|connection|keep-alive|te|trailer|upgrade|expect|via|max-forwards|http2-settings)$/i.test(
    name,
  )
}

export const inject = z.union([
  z.strictObject({
    github_app: z
      .literal(true)
      .describe(
        'The installation token of the lease; the target is of kind `github_app` and has an audience',
      ),
  }),
  z.strictObject({
    aws_sigv4: z
      .strictObject({
        service: z.string().regex(/^[a-z0-9-]{1,63}$/, 'must be a service, such as execute-api or s3'),
        region: z
          .string()
          .regex(/^[a-z0-9-]{1,63}$/, 'must be a region')
          .optional(),
      })
      .describe(
        'Each request is signed with keys of the lease; the target is of kind `aws_role` and has an audience',
      ),
  }),
  z.strictObject({ bearer: secretReference.describe('Sent as `Authorization: Bearer`') }),
  z.strictObject({
    basic: z.strictObject({
      user: z.string().regex(/^[\x20-\x39\x3b-\x7e]+$/, 'must be visible ASCII without a colon'),
      password: secretReference,
    }),
  }),
  z.strictObject({
    header: z.strictObject({
      name: injected.refine((name) => !isSaidByRoute(name), {
        error: 'is one that the route says itself, or one of a connection alone',
      }),
      value: secretReference,
    }),
  }),
])
