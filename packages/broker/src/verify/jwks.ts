import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AlgorithmName } from './algorithms.ts'
import type { FetchDocument, Reach } from './fetch-document.ts'
import { type KeySet, readKeySet, type VerificationKey } from './key-set.ts'

/** Where an issuer's key comes from. */
export interface KeySource {
  /**
   * The key of that name, `undefined` when the issuer does not have it. Throws `provider_unavailable` when that
   * cannot be known: an unknown key never passes because the issuer was silent.
   */
  find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined>
}

export interface RemoteKeysParts {
  /** The exact issuer; discovery must answer with the same text (OIDC Discovery 4.3, RFC 8414 3.3). */
  readonly issuer: string
  /** Skips discovery. */
  readonly jwksUri?: string
  /** Hosts other than the issuer's that its keys may be on. */
  readonly keyHosts?: readonly string[]
  readonly algorithms: readonly AlgorithmName[]
  readonly reach: Reach
  readonly fetch: FetchDocument
  readonly tools: Pick<Tools, 'now' | 'log'>
}

const minute = 60_000

/** When keys are read again, how long a flood of unknown names waits, and when keys nobody could renew end. */
const times = {
  refresh: 10 * minute,
  old: 60 * minute,
  unknown: 30_000,
  failed: 5000,
  stale: 24 * 60 * minute,
} as const

/**
 * The keys of an issuer, read when they are needed and kept. One fetch at a time; a token with an unknown `kid` asks
 * again at most every 30 s (JK-9), one with a known `kid` never waits; when the issuer cannot be reached, known keys
 * live on for a day.
 */
export class RemoteKeys implements KeySource {
  readonly #parts: RemoteKeysParts
  #keys: KeySet | undefined
  #readAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #failed = false
  #fetching: Promise<void> | undefined

  constructor(parts: RemoteKeysParts) {
    this.#parts = parts
  }

  find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    const now = this.#parts.tools.now()
    if (elapsed(this.#readAt, now) > times.stale) this.#keys = undefined
    const known = this.#keys?.get(kid)
    if (known === undefined) return this.#findUnknown(kid, now)
    if (elapsed(this.#readAt, now) <= times.refresh || !this.#mayTry(now)) return known
    const reading = this.#fetch()
    // After an idle hour the issuer may have withdrawn the key: it is asked first, unless it was silent before.
    const isOld = elapsed(this.#readAt, now) > times.old && !this.#failed
    return isOld ? reading.then(() => this.#keys?.get(kid)) : known
  }

  async #findUnknown(kid: string, now: number): Promise<VerificationKey | undefined> {
    if (this.#fetching !== undefined || this.#mayTry(now)) await this.#fetch()
    const found = this.#keys?.get(kid)
    if (found === undefined && (this.#keys === undefined || this.#failed)) {
      throw new Failure('provider_unavailable', { reason: `the keys of ${this.#parts.issuer} cannot be had` })
    }
    return found
  }

  #mayTry(now: number): boolean {
    return (
      this.#fetching !== undefined ||
      elapsed(this.#triedAt, now) >= (this.#failed ? times.failed : times.unknown)
    )
  }

  /** Never rejects; one at a time, so that an old answer cannot replace a newer one. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#read().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #read(): Promise<void> {
    const { tools, fetch, reach, algorithms, issuer } = this.#parts
    this.#triedAt = tools.now()
    try {
      const keys = readKeySet(await fetch(await this.#locate(), reach), algorithms)
      if (keys.size === 0) throw new TypeError('a key set without a key for us')
      this.#keys = keys
      this.#readAt = tools.now()
      this.#failed = false
    } catch (cause) {
      this.#failed = true
      tools.log.warn('the keys of an issuer could not be read', { issuer, cause })
    }
  }

  async #locate(): Promise<URL> {
    const { issuer, jwksUri, keyHosts = [], fetch, reach } = this.#parts
    if (jwksUri !== undefined) return new URL(jwksUri)
    const path = issuer.endsWith('/')
      ? '.well-known/openid-configuration'
      : '/.well-known/openid-configuration'
    const document = await fetch(new URL(`${issuer}${path}`), reach)
    const found =
      typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {}
    if (found['issuer'] !== issuer) throw new TypeError('a discovery document of another issuer')
    const keys = new URL(String(found['jwks_uri']))
    if (
      keys.origin !== new URL(issuer).origin &&
      !(keys.protocol === 'https:' && keyHosts.includes(keys.host))
    ) {
      throw new TypeError('keys on another host')
    }
    return keys
  }
}

/** Keys that the configuration holds itself. Throws `TypeError` when they cannot be used. */
export function staticKeys(jwks: unknown, allowed: readonly AlgorithmName[]): KeySource {
  const keys = readKeySet(jwks, allowed)
  if (keys.size === 0) throw new TypeError('no key that could be used')
  return { find: (kid) => keys.get(kid) }
}

/** Time since then. A clock that was set back says nothing about it: as if a day, so that keys are read again. */
function elapsed(then: number, now: number): number {
  return now < then ? times.stale : now - then
}
