import { z } from 'zod'

export const routeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    name: z.string(),
    listen: z.string(),
    upstream: z.string(),
    target: z.string(),
  }),
])
