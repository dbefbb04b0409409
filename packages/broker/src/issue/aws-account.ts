import { z } from 'zod'
import { secretReference } from '../base/reference.ts'

/** A region of AWS in a configuration. */
export const awsRegion = z.string().regex(/^[a-z0-9-]{3,32}$/, 'must be a region, eu-central-1')

/** An access key of AWS in a configuration: whose name requests are signed in. */
export const awsAccessKey = {
  access_key_id: z.string().regex(/^[A-Z0-9]{16,128}$/, 'must be an access key id'),
  secret_access_key: secretReference,
  session_token: secretReference.optional(),
}
