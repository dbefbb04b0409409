/**
 * The `secret` target: a static secret that cannot be replaced by something better yet, handed to the jobs that the
 * policy names. It is the only credential that a lease's end does not touch at all, and it says so.
 */
import { Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import type { Target } from '../../target.ts'
import { secretSettings } from './settings.ts'

/** One connection `secret.NAME`, with its secret in place. */
export interface SecretConnection {
  readonly value: Secret
  /** A day, `2026-10-01`. */
  readonly last_replaced?: string | undefined
}

export interface SecretTargetParts {
  readonly connections: Readonly<Record<string, SecretConnection>>
}

/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Opens the target. It makes nothing, so there is nothing that it could take back. */
export function openSecretTarget({ connections }: SecretTargetParts): Target {
  const connectionOf = (grant: Grant): SecretConnection => {
    const name = nameOf(grant)
    const connection = Object.hasOwn(connections, name) ? connections[name] : undefined
    if (connection !== undefined) return connection
    throw new Failure('target_refused', { reason: `connections.secret has no \`${name}\`` })
  }
  return {
    kind: 'secret',
    local: true,
    prepare(grant) {
      connectionOf(grant)
      return null
    },
    // Where it is used nobody asks about the lease, so it is no bearer token of ours (RFC 8693 2.2.1).
    issue: async (grant) => ({
      token: connectionOf(grant).value,
      issuedTokenType: accessToken,
      tokenType: 'N_A',
    }),
    outlives: () =>
      'the secret is still the same: whoever read it can use it until it is replaced at its place',
  }
}

function nameOf(grant: Grant): string {
  const parsed = secretSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data.name
  throw new Failure('target_refused', { reason: `the settings of ${grant.target} are not those of a secret` })
}
