import { z } from 'zod'
import { secretReference } from '../base/reference.ts'

/** The `store` part of the configuration: one file beside the broker, or one database for several brokers. */
export const storeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sqlite'),
    path: z
      .string()
      .min(1)
      // SQLite's name for a database without a file: tokens that were spent would be good again after a restart.
      .refine((path) => path !== ':memory:', 'must be a file: what is kept must outlive the broker')
      .describe('File of the SQLite database; made when it is not there'),
  }),
  z.strictObject({
    kind: z.literal('postgres'),
    url: secretReference.describe('Connection string, postgres://user:password@host/database'),
  }),
])

export type StoreSettings = z.infer<typeof storeSettings>
