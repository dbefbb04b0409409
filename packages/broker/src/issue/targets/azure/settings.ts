import { z } from 'zod'
import { endpoint } from '../../endpoint.ts'

/** Entra's ids of tenants and applications. */
const guid = z
  .string()
  .regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    'must be an id such as 11111111-2222-3333-4444-555555555555',
  )

/** The settings of a target `azure: { client, scope, tenant }` in a policy. */
export const azureSettings = z.strictObject({
  client: guid.describe('Application (client) id whose federated credential trusts our tokens'),
  scope: z
    .string()
    .regex(/^[!#-[\]-~]{1,250}\/\.default$/, 'must be one resource and /.default')
    .describe('What the token is for: https://management.azure.com/.default'),
  tenant: z
    .string()
    .min(1)
    .optional()
    .describe('A connection of `connections.azure`; its only one when absent'),
})

/** One entry of `connections.azure`. */
export const azureConnection = z.strictObject({
  tenant: guid.describe('Directory (tenant) id'),
  authority: endpoint
    .default('https://login.microsoftonline.com')
    .describe('Where tokens are given; another one in national clouds'),
})
