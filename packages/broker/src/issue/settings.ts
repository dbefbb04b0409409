import { z } from 'zod'
import { duration } from '../base/duration.ts'
import { secretReference } from '../base/reference.ts'
import { awsKmsWrap } from './wraps/aws-kms/settings.ts'

/** A key must be published well before it signs, so keys cannot follow each other faster than this. */
const shortest = 3600
/** One algorithm, one key: the longer it lives, the more a stolen one is worth. */
const longest = 90 * 86_400

/** The `keys` part of the configuration: what signs our tokens, how often it changes, what encrypts it. */
export const keySettings = z.strictObject({
  algorithm: z.enum(['ES256']).default('ES256').describe('Signature algorithm of our tokens'),
  rotate_every: duration
    .refine((seconds) => seconds >= shortest && seconds <= longest, 'must be between 1h and 90d')
    .prefault('24h')
    .describe('How long one key signs before the next one does'),
  encryption: secretReference.describe(
    'Master key, 32 random bytes as base64 or hexadecimal: encrypts signing keys and handles in the store',
  ),
  wrap: z
    .discriminatedUnion('kind', [awsKmsWrap])
    .optional()
    .describe('A KMS that wraps the keys of static secrets in the store; the master key does when absent'),
})

export type KeySettings = z.infer<typeof keySettings>
