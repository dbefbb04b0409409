/** The `postgres_role` target: a role of its own for each lease, with the rights of the roles that the policy names. */
import pg from 'pg'
import { Failure } from '../../../base/failure.ts'
import type { Reach } from '../../../base/reach.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { filledStatements } from '../../statements.ts'
import type { Handle, Issued, Target } from '../../target.ts'
import { dropRole } from './drop-role.ts'
import { scramVerifier } from './scram.ts'
import { withSession } from './sessions.ts'
import { postgresRoleSettings } from './settings.ts'

const { escapeIdentifier, escapeLiteral } = pg

export interface PostgresConnection {
  readonly url: Secret
  /** The connector through which it is reached. */
  readonly via?: string | undefined
  readonly max_connections_per_lease: number
  readonly create_statements?: readonly string[] | undefined
  readonly drop_statements?: readonly string[] | undefined
}

export interface PostgresTargetParts {
  readonly connections: Readonly<Record<string, PostgresConnection>>
  readonly tools: Pick<Tools, 'randomBytes'>
  /** The way to what stands behind a connector. */
  readonly through?: ((connector: string) => Reach) | undefined
  /** Makes a token of ours, for roles that are used through a route. */
  readonly tokens: Pick<Target, 'issue'>
}

/** Enough to drop the role although the connection was renamed, changed or taken out of the configuration. */
interface RoleHandle {
  readonly server: string
  readonly url: string
  readonly role: string
  readonly heir: string
  readonly drop: readonly string[]
}

/** Opens the target. It holds no connection open: leases come and go too rarely to be worth one. */
export function openPostgresTarget({ connections, tools, tokens, through }: PostgresTargetParts): Target {
  const reached = (url: string, via: string | undefined) => ({
    url,
    reach: via === undefined ? undefined : through?.(via),
  })
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
      const drop = [...(connection.drop_statements ?? [])]
      return { server, url: connection.url.reveal(), role: roleOf(grant), heir, drop }
    },
    async issue(grant, handle) {
      const { connection } = connectionOf(grant)
      const password = Buffer.from(tools.randomBytes(32)).toString('base64url')
      const verifier = scramVerifier(password, tools.randomBytes(16))
      await withSession(reached(connection.url.reveal(), connection.via), (session) =>
        session.query(statements(grant, verifier, connection)),
      )
      const credential = credentialOf(connection.url, roleOf(grant), password)
      const { audience } = settingsOf(grant)
      return audience === undefined
        ? credential
        : await throughRoute(credential, password, handleOf(handle), () =>
            tokens.issue({ ...grant, settings: { audience } }, null),
          )
    },
    async revoke(handle) {
      const { server, url, drop, ...old } = handleOf(handle)
      const now = Object.hasOwn(connections, server) ? connections[server] : undefined
      if (now === undefined) return await dropRole({ url }, old, drop)
      const current = now.url.reveal()
      const dropped = await dropRole(reached(current, now.via), old, now.drop_statements ?? []).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (current === url && dropped !== undefined) throw dropped
      // The name may mean another server by now, or its new password may be wrong; the lease was made with the old one.
      if (dropped !== undefined || hostOf(current) !== hostOf(url))
        await dropRole(reached(url, now.via), old, drop)
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
function statements(grant: Grant, verifier: string, connection: PostgresConnection): string {
  const role = escapeIdentifier(roleOf(grant))
  const until = escapeLiteral(new Date(grant.expiresAt * 1000).toISOString())
  const { schema } = settingsOf(grant)
  const roles = rolesOf(grant).map(escapeIdentifier).join(', ')
  const password = escapeLiteral(verifier)
  const { create_statements: templates, max_connections_per_lease: mostSessions } = connection
  if (templates !== undefined)
    return filledStatements(templates, { name: role, password, until, roles }).join('\n;\n')
  return [
    `CREATE ROLE ${role} LOGIN PASSWORD ${password} VALID UNTIL ${until} CONNECTION LIMIT ${mostSessions}`,
    `GRANT ${roles} TO ${role}`,
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

/** The role's own password stays in the sealed handle, where the route finds it; the job's is the token. */
async function throughRoute(
  { parts = {} }: Credential,
  password: string,
  handle: RoleHandle,
  token: () => Promise<Credential>,
): Promise<Issued> {
  const { database = '', user = '' } = parts
  const made = await token()
  return {
    ...made,
    parts: { database, user, password: made.token },
    handle: () => ({ ...handle, drop: [...handle.drop], password }),
  }
}

function handleOf(handle: Handle): RoleHandle {
  const members = typeof handle === 'object' && handle !== null ? { ...handle } : {}
  const text = (name: string): string => {
    const value = (members as Record<string, unknown>)[name]
    if (typeof value === 'string') return value
    throw new Failure('internal', { reason: 'the handle is not that of a postgres_role' })
  }
  const drop = 'drop' in members && Array.isArray(members.drop) ? members.drop.map(String) : []
  return { server: text('server'), url: text('url'), role: text('role'), heir: text('heir'), drop }
}

function hostOf(url: string): string {
  return new URL(url).host
}
