import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'
import { endpoint } from '../../endpoint.ts'

/** RFC 1123, as Kubernetes wants names. */
const label = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name in lower case')
const subdomain = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'must be a name in lower case',
  )

/** The settings of a target `kubernetes: { cluster, namespace, service_account }` in a policy. */
export const kubernetesSettings = z.strictObject({
  cluster: z.string().min(1).describe('A connection of `connections.kubernetes`'),
  namespace: label,
  service_account: subdomain.describe('Whose token the job gets'),
  audiences: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(8)
    .optional()
    .describe('Who may accept the token; the API server itself when absent'),
})

/** One entry of `connections.kubernetes`. */
export const kubernetesConnection = z.strictObject({
  server: endpoint.describe('URL of the API server'),
  ca: secretReference
    .optional()
    .describe("PEM of the authorities of the API server's certificate; those of the system when absent"),
  token: secretReference.describe(
    'Of a service account that may make and delete secrets, and make tokens of those accounts',
  ),
})
