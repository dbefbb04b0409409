/** The `ssh` target: user certificates of OpenSSH, signed by an authority that hosts trust. */
import { generateKeyPairSync, hash } from 'node:crypto'
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import type { Handle, Target } from '../../target.ts'
import { plain } from '../token/plain.ts'
import { type Authority, openAuthority } from './authority.ts'
import { certificateLine, userCertificate } from './certificate.ts'
import { writePrivateKey } from './key-file.ts'
import { type SshConnection, type SshSettings, sshSettings } from './settings.ts'

export interface SshTargetParts {
  /** By the name of the authority. */
  readonly connections: Readonly<Record<string, SshConnection>>
  readonly tools: Pick<Tools, 'randomBytes' | 'now'>
}

/** No certificate lives longer, so that the lists of those that ended early stay short. */
export const longestCertificate = 86_400

/** How far a host's clock may be behind ours. */
const slack = 60

/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Opens the target. Nothing is made outside this process, and hosts are not told of what ends early: they fetch the
 * list of it (`revocations.ts`). Throws `Failure('internal')` for a key that cannot be used.
 */
export function openSshTarget(parts: SshTargetParts): Target {
  const authorities = new Map(
    Object.entries(parts.connections).map(([name, connection]) => [name, openAuthority(name, connection)]),
  )
  return {
    kind: 'ssh',
    local: true,
    prepare: (grant) => {
      const { authority } = wanted(grant, authorities)
      // The key, not only the name: a certificate is revoked by its key, whatever the configuration says by then.
      return {
        ...{ authority: authority.name, key: authority.blob.toString('base64') },
        until: grant.expiresAt,
      }
    },
    async issue(grant) {
      const { authority, settings } = wanted(grant, authorities)
      const seconds = grant.expiresAt - grant.issuedAt
      if (!(seconds > 0 && seconds <= longestCertificate))
        throw new Failure('target_refused', { reason: `a certificate cannot live for ${seconds} seconds` })
      const { privateKey, publicKey } = generateKeyPairSync('ed25519')
      const certificate = userCertificate(
        {
          publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
          nonce: parts.tools.randomBytes(32),
          serial: serialOf(grant.leaseId),
          keyId: keyIdOf(grant),
          principals: settings.principals,
          validAfter: grant.issuedAt - slack,
          validBefore: grant.expiresAt,
          criticalOptions: criticalOptions(settings),
          extensions: extensionsOf(settings),
        },
        authority,
      )
      const file = new Secret(writePrivateKey(privateKey, grant.leaseId, parts.tools.randomBytes(4)))
      return {
        token: file,
        issuedTokenType: accessToken,
        tokenType: 'N_A',
        parts: {
          private_key: file,
          certificate: certificateLine(certificate, grant.leaseId),
          principals: settings.principals.join(','),
        },
      }
    },
    outlives: (handle) => outliving(handle, parts, [...authorities.values()]),
  }
}

/** Handles of former versions have no `until`: how long their certificates live is in the certificates alone. */
const outlivingHandle = z.object({ authority: z.string(), key: z.string(), until: z.number().optional() })

function outliving(
  handle: Handle,
  { connections, tools }: SshTargetParts,
  authorities: readonly Authority[],
): string | undefined {
  const { authority, key, until } = outlivingHandle.parse(handle)
  if (until !== undefined && until * 1000 <= tools.now()) return undefined
  const end = until === undefined ? 'its end' : new Date(until * 1000).toISOString().replace('.000Z', 'Z')
  // As lists do: an authority that was renamed, and one whose key was replaced, goes on naming what it signed.
  const lists = authorities.filter(({ name }) => connections[name]?.krl === true)
  const listed = lists.find(({ name, blob }) => name === authority || blob.toString('base64') === key)
  const refused =
    listed === undefined
      ? `no list of ours names this certificate: hosts take it until ${end}`
      : `hosts take this certificate until they next fetch /ssh/${listed.name}/krl, those that never do until ${end}`
  return `${refused}; sessions that are open go on`
}

/**
 * The serial of a lease's certificate: 64 bits of a hash, so that the lease's id alone is enough to revoke it, and
 * serials say nothing. Never 0, which OpenSSH reads as "none".
 */
export function serialOf(leaseId: string): bigint {
  const serial = hash('sha256', `mayfly ssh serial\n${leaseId}`, 'buffer').readBigUInt64BE()
  return serial === 0n ? 1n : serial
}

/** Who and which lease, for the hosts' logs: words of plain ASCII that no name chosen in a repository can forge. */
function keyIdOf(grant: Grant): string {
  const { issuer, subject } = grant.principal
  // Words are separated by spaces here, so that colons, which subjects are full of, may stay.
  const readable = (value: string, limit: number) => plain(value, limit).replaceAll('%3A', ':')
  return `mayfly lease=${grant.leaseId} issuer=${readable(issuer, 64)} subject=${readable(subject, 255)}`
}

function criticalOptions({ source_address, force_command }: SshSettings): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  if (source_address !== undefined) options.set('source-address', source_address.join(','))
  if (force_command !== undefined) options.set('force-command', force_command)
  return options
}

function extensionsOf({ extensions }: SshSettings): ReadonlyMap<string, string> {
  if (Array.isArray(extensions)) return new Map(extensions.map((name) => [name, '']))
  return new Map(Object.entries(extensions ?? {}))
}

function wanted(
  grant: Grant,
  authorities: ReadonlyMap<string, Authority>,
): { readonly authority: Authority; readonly settings: SshSettings } {
  const parsed = sshSettings.safeParse(grant.settings)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = issue === undefined ? '' : `: ${issue.path.join('.')}: ${issue.message}`
    throw new Failure('target_refused', {
      reason: `the settings of ${grant.target} are not those of ssh${place}`,
    })
  }
  const authority = authorities.get(parsed.data.authority)
  if (authority === undefined)
    throw new Failure('target_refused', {
      reason: `${grant.target} names the authority ${parsed.data.authority}, which is not configured`,
    })
  return { authority, settings: parsed.data }
}
