import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'
import { createStatements, dropStatements } from '../../statements.ts'

/** A role's name as PostgreSQL folds it without quotes: what a person sees in `\du` and what they meant are the same. */
const role = z
  .string()
  .regex(/^[a-z_][a-z0-9_$-]{0,62}$/, 'must be a role: lower-case letters, digits and _$-, at most 63')

/** The settings of a target `postgres_role: { server, role }` in a policy. */
export const postgresRoleSettings = z.strictObject({
  server: z.string().min(1).describe('A connection of `connections.postgres` in the configuration'),
  role: z
    .union([role, z.array(role).min(1).max(16)])
    .describe('The role whose rights the lease has; of several, the first owns what the lease leaves behind'),
  audience: z
    .string()
    .regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .describe(
      'With it the role is used through a route alone: the job gets a token for this audience, no password',
    ),
  scopes: z
    .array(z.string())
    .optional()
    .describe('What a token for the audience can carry; the policy says which statements each lists'),
  schema: role.optional().describe('First in the search path of the lease'),
})

/** One entry of `connections.postgres`. */
export const postgresConnection = z.strictObject({
  url: secretReference.describe(
    'Connection string of a role that may create roles and grant those of the policy',
  ),
  via: z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,62}$/,
      'must be lower-case letters, digits and hyphens, and start with a letter',
    )
    .optional()
    .describe('The connector through which the server is reached'),
  max_connections_per_lease: z
    .int()
    .min(1)
    .max(1000)
    .default(8)
    .describe('Sessions that one lease may have at once'),
  create_statements: createStatements('postgres'),
  drop_statements: dropStatements('postgres'),
})
