import type { Tools } from './base/tools.ts'
import type { Lease } from './domain.ts'
import type { Keys } from './issue/keys.ts'
import type { Store } from './store/store.ts'
import { type AccessToken, verifyAccessToken } from './verify/access-token.ts'

/** Our own access tokens, as the gate, introspection and revocation see them. */
export interface OwnTokens {
  /** Throws `subject_token_invalid`. Says nothing about the lease. */
  verify(token: string): Promise<AccessToken>
  /** The token and its lease while both are alive. */
  active(token: string): Promise<{ readonly token: AccessToken; readonly lease: Lease } | undefined>
}

interface OwnTokenParts {
  readonly url: string
  readonly keys: Pick<Keys, 'publicKey' | 'publicKeyOrRefresh'>
  readonly store: Pick<Store, 'lease'>
  readonly tools: Pick<Tools, 'now'>
}

/** A key that another broker made a moment ago is looked up in the store before its token is refused. */
export function openOwnTokens({ url, keys, store, tools }: OwnTokenParts): OwnTokens {
  const verify = async (token: string): Promise<AccessToken> => {
    let unknown: string | undefined
    const check = () =>
      verifyAccessToken(token, {
        issuer: url,
        now: tools.now() / 1000,
        publicKey: (kid) => {
          const key = keys.publicKey(kid)
          if (key === undefined) unknown = kid
          return key
        },
      })
    try {
      return check()
    } catch (thrown) {
      if (unknown === undefined || (await keys.publicKeyOrRefresh(unknown)) === undefined) throw thrown
      return check()
    }
  }
  return {
    verify,
    active: async (text) => {
      const token = await verify(text).catch(() => undefined)
      const lease = token === undefined ? undefined : await store.lease(token.leaseId)
      const isLive = lease?.state === 'active' && lease.expiresAt > tools.now() / 1000
      return token !== undefined && isLive ? { token, lease } : undefined
    },
  }
}
