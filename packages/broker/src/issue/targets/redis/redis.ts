/** The `redis_user` target: an ACL user of its own for each lease, with the rules that the policy names. */
import { createHash } from 'node:crypto'
import { isLoopback } from '../../../base/address.ts'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Credential, Grant } from '../../../domain.ts'
import type { Handle, Target } from '../../target.ts'
import { placeOf, withSession } from './session.ts'
import { redisUserSettings } from './settings.ts'

export interface RedisConnection {
  readonly url: Secret
  readonly save: boolean
  readonly dangerously_allow_plaintext: boolean
}

export interface RedisTargetParts {
  readonly connections: Readonly<Record<string, RedisConnection>>
  readonly tools: Pick<Tools, 'randomBytes'>
}

/** Enough to delete the user although the connection was renamed, changed or taken out of the configuration. */
interface UserHandle {
  readonly server: string
  readonly url: string
  readonly user: string
  readonly save: boolean
}

/** After the policy's rules, whatever they say: with one of these a job could make itself an access that stays. */
const never = ['-acl', '-config', '-module', '-debug', '-replicaof', '-slaveof']

/** Opens the target. It holds no connection open: leases come and go too rarely to be worth one. */
export function openRedisTarget({ connections, tools }: RedisTargetParts): Target {
  const connectionOf = (grant: Grant) => {
    const { server } = settingsOf(grant)
    const connection = Object.hasOwn(connections, server) ? connections[server] : undefined
    if (connection === undefined) throw refused(`connections.redis has no \`${server}\``)
    checkUrl(server, connection)
    return { server, connection }
  }
  return {
    kind: 'redis_user',
    local: false,
    connection: (grant) => `redis ${settingsOf(grant).server}`,
    prepare(grant) {
      const { server, connection } = connectionOf(grant)
      const handle: UserHandle = {
        server,
        url: connection.url.reveal(),
        user: userOf(grant),
        save: connection.save,
      }
      return { ...handle }
    },
    async issue(grant) {
      const { connection } = connectionOf(grant)
      const password = Buffer.from(tools.randomBytes(32)).toString('base64url')
      // The server keeps only this hash, so that the password itself never has to reach it before the job does.
      const hash = createHash('sha256').update(password).digest('hex')
      // One command, all or nothing. Servers may let new users into every channel: resetchannels, whatever they do.
      const rules = ['reset', 'resetchannels', 'on', `#${hash}`, ...settingsOf(grant).rules, ...never]
      await withSession(connection.url.reveal(), (command) =>
        command('ACL', 'SETUSER', userOf(grant), ...rules),
      )
      return credentialOf(connection.url, userOf(grant), password)
    },
    async revoke(handle) {
      const { server, url, user, save } = handleOf(handle)
      const now = Object.hasOwn(connections, server) ? connections[server] : undefined
      const current = now?.url.reveal()
      if (now === undefined || current === undefined || current === url)
        return await deleteUser(url, user, now?.save ?? save)
      const deleted = await deleteUser(current, user, now.save).then(
        () => true,
        () => false,
      )
      // The name may mean another server by now, or its new password may be wrong; the lease was made with the old one.
      if (!deleted || new URL(current).host !== new URL(url).host) await deleteUser(url, user, save)
    },
  }
}

/** Deleting a user also closes its connections, blocked and subscribed ones too; one that is not there is no error. */
async function deleteUser(url: string, user: string, save: boolean): Promise<void> {
  await withSession(url, async (command) => {
    await command('ACL', 'DELUSER', user)
    // Somebody's ACL SAVE may have kept it: a restart would bring it back.
    if (save) await command('ACL', 'SAVE')
  })
}

function checkUrl(server: string, connection: RedisConnection): void {
  const url = URL.parse(connection.url.reveal())
  const plain = url?.protocol === 'redis:'
  if (url === null || url.hostname === '' || !(plain || url.protocol === 'rediss:'))
    throw refused(`connections.redis.${server}.url is not a redis:// or rediss:// URL`)
  if (plain && !isLoopback(placeOf(url).host) && !connection.dangerously_allow_plaintext)
    throw refused(
      `connections.redis.${server}.url must be rediss://; redis:// is for loopback, or with dangerously_allow_plaintext: true`,
    )
}

/** Of the lease, so that revoking finds it however far issuing came. */
function userOf({ leaseId }: Grant): string {
  return `mayfly_${leaseId}`
}

function settingsOf(grant: Grant) {
  const parsed = redisUserSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data
  throw refused(`the settings of ${grant.target} are not those of a redis_user`)
}

function credentialOf(admin: Secret, user: string, password: string): Credential {
  const url = new URL(admin.reveal())
  url.username = user
  url.password = password
  const { host, port } = placeOf(url)
  return {
    token: new Secret(password),
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    tokenType: 'N_A',
    parts: { host, port: String(port), user, password: new Secret(password), url: new Secret(url.href) },
  }
}

function handleOf(handle: Handle): UserHandle {
  const members: Readonly<Record<string, unknown>> =
    typeof handle === 'object' && handle !== null ? { ...handle } : {}
  const text = (name: string): string => {
    const value = members[name]
    if (typeof value === 'string') return value
    throw new Failure('internal', { reason: 'the handle is not that of a redis_user' })
  }
  return { server: text('server'), url: text('url'), user: text('user'), save: members['save'] === true }
}

function refused(reason: string): Failure {
  return new Failure('target_refused', { reason })
}
