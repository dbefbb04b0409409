import { z } from 'zod'
import { endpoint } from '../../endpoint.ts'

const email = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}@[a-z0-9][a-z0-9.-]{0,190}\.gserviceaccount\.com$/,
    'must be the email of a service account, NAME@PROJECT.iam.gserviceaccount.com',
  )

/** The settings of a target in a policy: `gcp_service_account: EMAIL`, or a map. */
export const gcpSettings = z.union([
  email.transform((service_account) => ({ service_account })),
  z.strictObject({
    service_account: email,
    oauth_scopes: z
      .array(z.string().regex(/^https:\/\/www\.googleapis\.com\/auth\/[a-z0-9._/-]{1,100}$/))
      .min(1)
      .max(20)
      .optional()
      .describe('Scopes of the token; cloud-platform when absent, where IAM alone says what it can do'),
    connection: z
      .string()
      .min(1)
      .optional()
      .describe('A connection of `connections.gcp`; its only one when absent'),
  }),
])

/** One entry of `connections.gcp`. */
export const gcpConnection = z.strictObject({
  audience: z
    .string()
    .regex(
      /^\/\/iam\.googleapis\.com\/projects\/[0-9]{1,20}\/locations\/global\/workloadIdentityPools\/[a-z0-9-]{4,32}\/providers\/[a-z0-9-]{4,32}$/,
      'must be //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER',
    )
    .describe('The provider that trusts our tokens'),
  sts: endpoint.default('https://sts.googleapis.com').describe('Endpoint of the Security Token Service'),
  iamcredentials: endpoint
    .default('https://iamcredentials.googleapis.com')
    .describe('Endpoint of the Service Account Credentials API'),
})
