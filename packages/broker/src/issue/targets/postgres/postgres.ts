/** The `postgres_role` target: a role of its own for each lease, with the rights of the roles that the policy names. */
import pg from 'pg'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Credential, Grant } from '../../../domain.ts'
import type { Handle, Target } from '../../target.ts'
import { dropRole } from './drop-role.ts'
import { scramVerifier } from './scram.ts'
import { withSession } from './sessions.ts'
import { postgresRoleSettings } from './settings.ts'

const { escapeIdentifier, escapeLiteral } = pg

export interface PostgresConnection {
  readonly url: Secret
  readonly max_connections_per_lease: number
}

export interface PostgresTargetParts {
  readonly connections: Readonly<Record<string, PostgresConnection>>
  readonly tools: Pick<Tools, 'randomBytes'>
}

/** Enough to drop the role although the connection was renamed, changed or taken out of the configuration. */
interface RoleHandle {
  readonly server: string
  readonly url: string
  readonly role: string
  readonly heir: string
}

/** Opens the target. It holds no connection open: leases come and go too rarely to be worth one. */
export function openPostgresTarget({ connections, tools }: PostgresTargetParts): Target {
  const connectionOf = (grant: Grant) => {
    const { server } = settingsOf(grant)
    const connection = Object.hasOwn(connections, server) ? connections[server] : undefined
    if (connection === undefined)
      throw new Failure('target_refused', { reason: `connections.postgres has no \`${server}\`` })
    return { server, connection }
  }
  return {
    kind: 'postgres_role',
    local: false,
    connection: (grant) => `postgres ${settingsOf(grant).server}`,
    prepare(grant) {
      const { server, connection } = connectionOf(grant)
      const [heir = ''] = rolesOf(grant)
      const handle: RoleHandle = { server, url: connection.url.reveal(), role: roleOf(grant), heir }
      return { ...handle }
    },
    async issue(grant) {
      const { connection } = connectionOf(grant)
      const password = Buffer.from(tools.randomBytes(32)).toString('base64url')
      const verifier = scramVerifier(password, tools.randomBytes(16))
      await withSession(connection.url.reveal(), (session) =>
        session.query(statements(grant, verifier, connection.max_connections_per_lease)),
      )
      return credentialOf(connection.url, roleOf(grant), password)
    },
    async revoke(handle) {
      const { server, url, role, heir } = handleOf(handle)
      const current = Object.hasOwn(connections, server) ? connections[server]?.url.reveal() : undefined
      if (current === undefined || current === url) return await dropRole(url, role, heir)
      const dropped = await dropRole(current, role, heir).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      // The name may mean another server by now, or its new password may be wrong; the lease was made with the old one.
      if (dropped !== undefined || hostOf(current) !== hostOf(url)) await dropRole(url, role, heir)
    },
  }
}

/** Of the lease, so that revoking finds it however far issuing came. */
function roleOf({ leaseId }: Grant): string {
  return `mayfly_${leaseId}`
}

function settingsOf(grant: Grant) {
  const parsed = postgresRoleSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data
  throw new Failure('target_refused', {
    reason: `the settings of ${grant.target} are not those of a postgres_role`,
  })
}

function rolesOf(grant: Grant): readonly string[] {
  const { role } = settingsOf(grant)
  return typeof role === 'string' ? [role] : role
}

/** One message, so one transaction: the role is there with its rights, or not at all. */
function statements(grant: Grant, verifier: string, mostSessions: number): string {
  const role = escapeIdentifier(roleOf(grant))
  const until = escapeLiteral(new Date(grant.expiresAt * 1000).toISOString())
  const { schema } = settingsOf(grant)
  return [
    `CREATE ROLE ${role} LOGIN PASSWORD ${escapeLiteral(verifier)} VALID UNTIL ${until} CONNECTION LIMIT ${mostSessions}`,
    `GRANT ${rolesOf(grant).map(escapeIdentifier).join(', ')} TO ${role}`,
    ...(schema === undefined
      ? []
      : [`ALTER ROLE ${role} SET search_path = ${escapeIdentifier(schema)}, public`]),
  ].join(';\n')
}

function credentialOf(admin: Secret, user: string, password: string): Credential {
  const url = new URL(admin.reveal())
  url.username = user
  url.password = password
  return {
    token: new Secret(password),
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    tokenType: 'N_A',
    parts: {
      host: url.hostname,
      port: url.port || '5432',
      database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
      user,
      password: new Secret(password),
      url: new Secret(url.href),
    },
  }
}

function handleOf(handle: Handle): RoleHandle {
  const members = typeof handle === 'object' && handle !== null ? { ...handle } : {}
  const text = (name: string): string => {
    const value = (members as Record<string, unknown>)[name]
    if (typeof value === 'string') return value
    throw new Failure('internal', { reason: 'the handle is not that of a postgres_role' })
  }
  return { server: text('server'), url: text('url'), role: text('role'), heir: text('heir') }
}

function hostOf(url: string): string {
  return new URL(url).host
}
