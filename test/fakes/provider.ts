import { randomBytes } from 'node:crypto'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import { newId } from '../../packages/broker/src/base/id.ts'
import { Secret } from '../../packages/broker/src/base/secret.ts'
import type { Handle, Target } from '../../packages/broker/src/issue/target.ts'

/** A place that makes credentials, in memory, with a target that reaches it. */
export interface Provider {
  readonly target: Target
  /** Names of the credentials that work now. */
  readonly live: ReadonlySet<string>
  /** How often taking back was asked for. */
  readonly revokes: () => number
  /** While true, taking back fails. */
  away: boolean
  /** While true, taking back never answers. */
  hangs: boolean
  /** Waited for before a credential is made. */
  beforeMaking: () => Promise<void>
  /** Waited for after a credential was made and before the target says so. */
  afterMaking: () => Promise<void>
}

/** Opens an empty one. */
export function fakeProvider(kind = 'database'): Provider {
  const live = new Set<string>()
  let revokes = 0
  const nameOf = (handle: Handle) => String((handle as { readonly user?: string }).user)
  const provider: Provider = {
    live,
    revokes: () => revokes,
    away: false,
    hangs: false,
    beforeMaking: async () => {},
    afterMaking: async () => {},
    target: {
      kind,
      local: false,
      prepare: (grant) => ({ user: grant.leaseId }),
      async issue(_grant, handle) {
        await provider.beforeMaking()
        live.add(nameOf(handle))
        await provider.afterMaking()
        const password = newId('pw', { now: () => 0, randomBytes })
        return { token: new Secret(password), issuedTokenType: 'urn:example:password', tokenType: 'N_A' }
      },
      async revoke(handle) {
        revokes += 1
        if (provider.hangs) return new Promise(() => {})
        await Promise.resolve()
        if (provider.away)
          throw new Failure('provider_unavailable', {
            reason: 'the database is away',
            cause: new Error('password=hunter2'),
          })
        live.delete(nameOf(handle))
      },
    },
  }
  return provider
}
