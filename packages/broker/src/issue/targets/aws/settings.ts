import { z } from 'zod'
import type { Json } from '../../../base/canonical-json.ts'
import { awsAccessKey, awsRegion } from '../../aws-account.ts'

/** IAM's form of a role's name in a partition; paths and names are letters that no query can trip over. */
const role = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/,
    'must be the ARN of a role, arn:aws:iam::123456789012:role/NAME',
  )

const json: z.ZodType<Json> = z.json()

/** The settings of a target in a policy: `aws_role: ARN`, or `aws_role: { role, session_policy, connection }`. */
export const awsRoleSettings = z.union([
  role.transform((arn) => ({ role: arn })),
  z.strictObject({
    role,
    session_policy: json
      .optional()
      .describe('Inline session policy: the credential can do what the role and this both allow'),
    connection: z
      .string()
      .min(1)
      .optional()
      .describe('A connection of `connections.aws`; its only one when absent'),
    audience: z
      .string()
      .regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
      .optional()
      .describe('With it a route alone uses the keys: the job gets a token of ours for this audience'),
  }),
])

const endpoint = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const loopback = url !== undefined && /^(127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname)
  return url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))
}, 'must be an https URL; plain http is for loopback only')

const shared = {
  region: awsRegion,
  sts: endpoint.optional().describe('Endpoint of STS; https://sts.REGION.amazonaws.com when absent'),
}

/** One entry of `connections.aws`. */
export const awsConnection = z.discriminatedUnion('mode', [
  z.strictObject({
    ...shared,
    mode: z
      .literal('web_identity')
      .describe('IAM trusts our tokens (an OIDC provider of our URL): no key is stored'),
  }),
  z.strictObject({
    ...shared,
    mode: z.literal('assume_role').describe("The broker's own identity assumes the role"),
    ...awsAccessKey,
  }),
])
