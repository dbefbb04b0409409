import { z } from 'zod'

export const issuerSettings = z.strictObject({
  preset: z.literal('github-actions'),
  issuer: z.string().optional(),
  dangerously_allow_http: z.boolean().default(false),
})

export const routeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    name: z.string(),
    listen: z.string(),
    upstream: z.string(),
    target: z.string(),
  }),
])
