/** The `mysql_role` target: an account of its own for each lease, with the rights of the roles that the policy names. */
import { isIP } from 'node:net'
import { isLoopback } from '../../../base/address.ts'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Credential, Grant } from '../../../domain.ts'
import type { Handle, Target } from '../../target.ts'
import { createAccount, dropAccount } from './account.ts'
import type { Place } from './sessions.ts'
import { mysqlRoleSettings } from './settings.ts'

export interface MysqlConnection {
  readonly url: Secret
  readonly tls?: boolean | undefined
  readonly dangerously_allow_plaintext: boolean
  readonly max_connections_per_lease: number
  readonly create_statements?: readonly string[] | undefined
  readonly drop_statements?: readonly string[] | undefined
}

export interface MysqlTargetParts {
  readonly connections: Readonly<Record<string, MysqlConnection>>
  readonly tools: Pick<Tools, 'randomBytes'>
}

/** Enough to drop the account although the connection was renamed, changed or taken out of the configuration. */
interface AccountHandle {
  readonly server: string
  readonly url: string
  readonly tls: boolean
  readonly user: string
  readonly drop: readonly string[]
}

/** Opens the target. It holds no connection open: leases come and go too rarely to be worth one. */
export function openMysqlTarget({ connections, tools }: MysqlTargetParts): Target {
  const connectionOf = (grant: Grant) => {
    const { server } = settingsOf(grant)
    const connection = Object.hasOwn(connections, server) ? connections[server] : undefined
    if (connection === undefined) throw refused(`connections.mysql has no \`${server}\``)
    return { server, connection, place: placeOf(server, connection) }
  }
  return {
    kind: 'mysql_role',
    local: false,
    connection: (grant) => `mysql ${settingsOf(grant).server}`,
    prepare(grant) {
      const { server, connection, place } = connectionOf(grant)
      const drop = [...(connection.drop_statements ?? [])]
      return { server, url: connection.url.reveal(), tls: place.tls, user: userOf(grant), drop }
    },
    async issue(grant) {
      const { connection, place } = connectionOf(grant)
      // The end has every class of character that servers ask for; the rest is what nobody guesses.
      const password = `${Buffer.from(tools.randomBytes(32)).toString('base64url')}-Aa0`
      const account = {
        name: userOf(grant),
        password,
        roles: rolesOf(grant),
        mostSessions: connection.max_connections_per_lease,
        expiresAt: grant.expiresAt,
      }
      await createAccount(place, account, connection.create_statements)
      return credentialOf(connection.url, grant, password)
    },
    async revoke(handle) {
      const { server, url, tls, user, drop } = handleOf(handle)
      const old = { ...signsInAt(new URL(url)), tls }
      const now = Object.hasOwn(connections, server) ? connections[server] : undefined
      if (now === undefined) return await dropAccount(old, user, drop)
      if (now.url.reveal() === url && (now.tls ?? tls) === tls)
        return await dropAccount(old, user, now.drop_statements ?? [])
      const dropped = await dropNow(server, now, user)
      // The name may mean another server by now, or its new password may be wrong; the lease was made with the old one.
      if (!dropped || !sameServer(now.url.reveal(), url)) await dropAccount(old, user, drop)
    },
  }
}

async function dropNow(server: string, now: MysqlConnection, user: string): Promise<boolean> {
  try {
    await dropAccount(placeOf(server, now), user, now.drop_statements ?? [])
    return true
  } catch {
    return false
  }
}

/** Where a connection leads, when it may be used. Throws `target_refused` otherwise. */
function placeOf(server: string, connection: MysqlConnection): Place {
  const at = `connections.mysql.${server}`
  const url = URL.parse(connection.url.reveal())
  if (url === null || url.hostname === '' || !['mysql:', 'mariadb:'].includes(url.protocol))
    throw refused(`${at}.url is not a mysql:// URL`)
  // Each client reads them in its own way, and some of them turn off what protects us.
  if (url.search !== '')
    throw refused(`${at}.url has options behind the \`?\`; TLS is \`tls\` beside the url`)
  const { host, ...rest } = signsInAt(url)
  const tls = connection.tls ?? !isLoopback(host)
  if (!tls && !isLoopback(host) && !connection.dangerously_allow_plaintext)
    throw refused(
      `${at} has \`tls: false\`, which is for loopback, or with dangerously_allow_plaintext: true`,
    )
  if (tls && isIP(host) !== 0) throw refused(`${at}.url needs the name that the server's certificate has`)
  return { host, ...rest, tls }
}

function signsInAt(url: URL): Omit<Place, 'tls'> {
  return {
    // Brackets of an IPv6 address are the URL's, not the address's.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || '3306'),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

function sameServer(one: string, other: string): boolean {
  const [first, second] = [signsInAt(new URL(one)), signsInAt(new URL(other))]
  return first.host === second.host && first.port === second.port
}

/** Of the lease, so that revoking finds it however far issuing came. MySQL allows 32 characters, and these are 32. */
function userOf({ leaseId }: Grant): string {
  return `mf_${leaseId}`
}

function settingsOf(grant: Grant) {
  const parsed = mysqlRoleSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data
  throw refused(`the settings of ${grant.target} are not those of a mysql_role`)
}

function rolesOf(grant: Grant): readonly string[] {
  const { role } = settingsOf(grant)
  return typeof role === 'string' ? [role] : [...new Set(role)]
}

function credentialOf(admin: Secret, grant: Grant, password: string): Credential {
  const url = new URL(admin.reveal())
  const { schema } = settingsOf(grant)
  if (schema !== undefined) url.pathname = `/${schema}`
  const user = userOf(grant)
  url.username = user
  url.password = password
  const { host, port } = signsInAt(url)
  const database = decodeURIComponent(url.pathname.slice(1))
  return {
    token: new Secret(password),
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    tokenType: 'N_A',
    parts: {
      ...{ host, port: String(port), user },
      ...(database === '' ? {} : { database }),
      password: new Secret(password),
      url: new Secret(url.href),
    },
  }
}

function handleOf(handle: Handle): AccountHandle {
  const members: Readonly<Record<string, unknown>> =
    typeof handle === 'object' && handle !== null ? { ...handle } : {}
  const text = (name: string): string => {
    const value = members[name]
    if (typeof value === 'string') return value
    throw new Failure('internal', { reason: 'the handle is not that of a mysql_role' })
  }
  const drop = Array.isArray(members['drop']) ? members['drop'].map(String) : []
  return { server: text('server'), url: text('url'), tls: members['tls'] === true, user: text('user'), drop }
}

function refused(reason: string): Failure {
  return new Failure('target_refused', { reason })
}
