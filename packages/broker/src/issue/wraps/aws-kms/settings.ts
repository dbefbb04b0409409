import { z } from 'zod'
import { awsAccessKey, awsRegion } from '../../aws-account.ts'
import { endpoint } from '../../endpoint.ts'

/** No alias: it can be turned to another key, and then nothing opens any more. */
const keyId = z
  .string()
  .regex(
    /^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/)?(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
    'must be the id or the ARN of a key of AWS KMS, no alias',
  )

/** `keys.wrap` with `kind: aws_kms`: a symmetric key that never leaves AWS KMS wraps the keys of static secrets. */
export const awsKmsWrap = z.strictObject({
  kind: z.literal('aws_kms'),
  key_id: keyId.describe('Id or ARN of a symmetric key: wraps the keys of new envelopes'),
  earlier_key_ids: z
    .array(keyId)
    .max(10)
    .default([])
    .describe('Keys that wrapped before, until `mayfly secrets rewrap` is done'),
  region: awsRegion,
  endpoint: endpoint.optional().describe('Endpoint of KMS; https://kms.REGION.amazonaws.com when absent'),
  ...awsAccessKey,
})
