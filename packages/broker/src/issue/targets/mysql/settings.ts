import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'
import { createStatements, dropStatements } from '../../statements.ts'

/** A role's name; what stands in `mysql.user`, without a host. */
const role = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_$.-]{0,79}$/, 'must be a role: letters, digits and _$.-, at most 80')

/** The settings of a target `mysql_role: { server, role }` in a policy. */
export const mysqlRoleSettings = z.strictObject({
  server: z.string().min(1).describe('A connection of `connections.mysql` in the configuration'),
  role: z
    .union([role, z.array(role).min(1).max(16)])
    .describe('The roles whose rights the lease has, on from the start of each session'),
  schema: z
    .string()
    .regex(/^[A-Za-z0-9_$-]{1,64}$/, 'must be a schema: letters, digits and _$-, at most 64')
    .optional()
    .describe('The schema that the answer names; without it, that of the URL'),
})

/** One entry of `connections.mysql`. */
export const mysqlConnection = z.strictObject({
  url: secretReference.describe(
    'mysql:// URL of a user that may create users, see and close sessions, and grant the roles of the policy',
  ),
  tls: z
    .boolean()
    .optional()
    .describe('TLS with a certificate that is checked; unless said, everywhere but on loopback'),
  dangerously_allow_plaintext: z
    .boolean()
    .default(false)
    .describe('Allows `tls: false` to other machines: what is sent can be read and changed on its way'),
  max_connections_per_lease: z
    .int()
    .min(1)
    .max(1000)
    .default(8)
    .describe('Sessions that one lease may have at once'),
  create_statements: createStatements('mysql'),
  drop_statements: dropStatements('mysql'),
})
