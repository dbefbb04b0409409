import { z } from 'zod'

/** RFC 6749 3.3: no space, quote or backslash within a scope. */
const scope = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/, 'not a scope (RFC 6749 3.3)')

/** The settings of a `token` target in a policy: `token: { audience: ..., scopes: [...] }`. */
export const tokenTargetSettings = z.strictObject({
  audience: z
    .string()
    .regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .describe('The one audience of the token: the absolute URI of the API that takes it'),
  scopes: z
    .union([z.array(scope), z.record(scope, z.string())])
    .optional()
    .describe('What a token for this target can carry; as a map, with the access that each scope means'),
})

export type TokenTargetSettings = z.infer<typeof tokenTargetSettings>
