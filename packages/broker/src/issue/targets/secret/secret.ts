/**
 * The `secret` target: a static secret that cannot be replaced by something better yet, handed to the jobs that the
 * policy names. It is the only credential that a lease's end does not touch at all, and it says so.
 */
import { asFailure, Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import { type Issued, IssueFailure, type Target } from '../../target.ts'
import { secretSettings } from './settings.ts'

/** One connection `secret.NAME`: with its secret in place, or kept by the store. */
export type SecretConnection =
  | {
      readonly value: Secret
      /** A day, `2026-10-01`. */
      readonly last_replaced?: string | undefined
    }
  | { readonly sealed: true }

export interface SecretTargetParts {
  readonly connections: Readonly<Record<string, SecretConnection>>
  readonly sealed: {
    /** What the store keeps under this name now. */
    readonly read: (name: string) => Promise<Secret>
    /** Who has to be asked for it, as `Target.connection`; `undefined`: nobody else. */
    readonly connection: string | undefined
  }
}

/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Opens the target. It makes nothing, so there is nothing that it could take back. */
export function openSecretTarget({ connections, sealed }: SecretTargetParts): Target {
  const connectionOf = (grant: Grant) => {
    const name = nameOf(grant)
    const connection = Object.hasOwn(connections, name) ? connections[name] : undefined
    if (connection !== undefined) return { name, connection }
    throw new Failure('target_refused', { reason: `connections.secret has no \`${name}\`` })
  }
  return {
    kind: 'secret',
    // What the store keeps may not be there, or its key may not answer: only then it is written down as issued.
    local: !Object.values(connections).some((connection) => 'sealed' in connection),
    connection: (grant) => ('sealed' in connectionOf(grant).connection ? sealed.connection : undefined),
    prepare(grant) {
      connectionOf(grant)
      return null
    },
    async issue(grant): Promise<Issued> {
      const { name, connection } = connectionOf(grant)
      // Where it is used nobody asks about the lease, so it is no bearer token of ours (RFC 8693 2.2.1).
      const shape = { issuedTokenType: accessToken, tokenType: 'N_A' } as const
      if (!('sealed' in connection)) return { token: connection.value, ...shape }
      const token = await sealed.read(name).catch((thrown: unknown) => {
        throw new IssueFailure(asFailure(thrown), 'nothing')
      })
      return { token, ...shape, used: name }
    },
    outlives: () =>
      'the secret is still the same: whoever read it can use it until it is replaced at its place',
  }
}

function nameOf(grant: Grant): string {
  const parsed = secretSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data.name
  throw new Failure('target_refused', { reason: `the settings of ${grant.target} are not those of a secret` })
}
