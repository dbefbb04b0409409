import { z } from 'zod'

/**
 * A secret in a configuration file is only ever a reference: `{ env: NAME }` or `{ file: PATH }`. The config room
 * replaces it by a `Secret` before any other room sees it.
 */
export const secretReference = z.union([
  z.strictObject({
    env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not the name of an environment variable'),
  }),
  z.strictObject({ file: z.string().min(1) }),
])

export type SecretReference = z.infer<typeof secretReference>
