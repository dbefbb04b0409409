import { z } from 'zod'
import { address } from '../base/address.ts'
import { duration } from '../base/duration.ts'

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

/** One entry of `routes:`: a protocol that we carry to what stands behind us. */
export const routeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]{0,62}$/,
        'must be lower-case letters, digits and hyphens, and start with a letter',
      )
      .describe('Name in the log and in metrics'),
    listen: address.describe('Address where callers arrive'),
    upstream: upstream.describe('Origin of the API behind the route'),
    target: z.string().min(1).describe('The target whose tokens are let in'),
    header_timeout: duration
      .prefault('10s')
      .describe('A caller that has not sent the head of its request after this long is cut'),
    idle_timeout: duration
      .prefault('60s')
      .describe('An exchange with the upstream during which nothing moves for this long is cut'),
    max_connections: z
      .int()
      .min(1)
      .max(65_535)
      .default(8192)
      .describe('Callers that may be connected at once; more are turned away'),
  }),
])

export type RouteSettings = z.output<typeof routeSettings>
