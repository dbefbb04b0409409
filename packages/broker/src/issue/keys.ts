import type { KeyObject } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import { type Change, Conflict, type KeyRecord, type Store } from '../store/store.ts'
import { makeKey } from './key-material.ts'
import {
  type KeyRing,
  openRing,
  type PublishedKey,
  publicKeyOf,
  type Signer,
  type SigningAlgorithm,
  signerOf,
} from './key-ring.ts'
import {
  isPublished,
  type KeyState,
  type KeyTimes,
  keyState,
  publishedUntil,
  staleAfter,
  successorDue,
  successorFrom,
} from './key-times.ts'
import type { Seal } from './seal.ts'

export interface KeysParts {
  readonly store: Pick<Store, 'keys' | 'commit'>
  readonly seal: Seal
  readonly tools: Tools
  readonly record: (event: AuditEvent) => Change
  /** `token`: what APIs and our proxy accept. `federation`: what clouds exchange; never accepted by us. */
  readonly purpose: 'token' | 'federation'
  /** ES256 when absent. */
  readonly algorithm?: SigningAlgorithm
  readonly rotateEverySeconds: number
  /** No token may live longer: keys leave the JWK Set by this. Read anew each time: a changed policy may raise it. */
  readonly maxTokenSeconds: number
  /** The max-age of the JWK Set. */
  readonly cacheSeconds: number
  /** How often the store is read again; 10 when absent. */
  readonly reloadSeconds?: number
  /** How far clocks may be apart; 60 when absent. */
  readonly skewSeconds?: number
}

/** A key as an operator sees it. */
export interface ListedKey extends Omit<KeyRecord, 'sealed' | 'publicJwk'> {
  readonly state: KeyState
}

/** Our signing keys: made, published, used, retired by themselves, the same on every broker of one store. */
export interface Keys {
  /** From memory. Throws `Failure('provider_unavailable')` when the store could not be read for too long. */
  signer(): Signer
  /** From memory, while tokens of this key may still be met. */
  publicKey(kid: string): KeyObject | undefined
  /** As `publicKey`, and reads the store for a kid nobody knows, at most once a second whatever comes in. */
  publicKeyOrRefresh(kid: string): Promise<KeyObject | undefined>
  /** RFC 7517 5. */
  jwks(): { readonly keys: readonly PublishedKey[] }
  list(): readonly ListedKey[]
  refresh(): Promise<void>
  /** Makes the next key now; it signs as soon as every reader can know it. Answers with the next key. */
  rotate(by: string): Promise<{ readonly kid: string; readonly signsFrom: number }>
  /** What the timer does: reads the store, makes the next key when it is due. */
  turn(): Promise<void>
  close(): Promise<void>
}

const refreshCooldownMs = 1000

/** Reads the keys, makes the first one where there is none, and keeps both up from then on. */
export async function openKeys(parts: KeysParts): Promise<Keys> {
  const times: KeyTimes = {
    rotateEvery: parts.rotateEverySeconds,
    get maxToken() {
      return parts.maxTokenSeconds
    },
    cache: parts.cacheSeconds,
    reload: parts.reloadSeconds ?? 10,
    skew: parts.skewSeconds ?? 60,
  }
  const keeper = new KeyKeeper(parts, times)
  await keeper.start()
  return keeper
}

class KeyKeeper implements Keys {
  readonly #parts: KeysParts
  readonly #times: KeyTimes
  #ring: KeyRing = { held: [], records: [] }
  #readAt = 0
  #reads = 0
  #newestRead = 0
  #refreshing: Promise<void> | undefined
  #unknownAskedMs = Number.NEGATIVE_INFINITY
  #turning: Promise<void> = Promise.resolve()
  #closed = false
  #cancel: () => void = () => {}

  constructor(parts: KeysParts, times: KeyTimes) {
    this.#parts = parts
    this.#times = times
  }

  async start(): Promise<void> {
    await this.#read()
    if (this.#ring.records.length === 0) await this.#make(1, this.#now(), 'start')
    this.#plan()
  }

  signer(): Signer {
    const now = this.#now()
    const signer = signerOf(this.#ring, now)
    if (signer === undefined || now > this.#readAt + staleAfter(this.#times))
      throw new Failure('provider_unavailable', { reason: 'the signing keys could not be read for too long' })
    return signer
  }

  publicKey(kid: string): KeyObject | undefined {
    return publicKeyOf(this.#ring, kid, this.#now(), this.#times)
  }

  async publicKeyOrRefresh(kid: string): Promise<KeyObject | undefined> {
    const known = this.publicKey(kid)
    if (known !== undefined) return known
    const nowMs = this.#parts.tools.now()
    if (this.#refreshing === undefined && nowMs - this.#unknownAskedMs < refreshCooldownMs) return undefined
    if (this.#refreshing === undefined) this.#unknownAskedMs = nowMs
    await this.refresh()
    return this.publicKey(kid)
  }

  jwks(): { readonly keys: readonly PublishedKey[] } {
    const now = this.#now()
    const published = this.#ring.held.filter((key) => isPublished(key.record, now, this.#times))
    return { keys: published.map((key) => key.published) }
  }

  list(): readonly ListedKey[] {
    const now = this.#now()
    return this.#ring.records.map((key) => {
      const { sealed: _sealed, publicJwk: _publicJwk, ...listed } = key
      return { ...listed, state: keyState(key, now, this.#times) }
    })
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async rotate(by: string): Promise<{ readonly kid: string; readonly signsFrom: number }> {
    await this.#read()
    const newest = this.#newest()
    await this.#make(newest.generation + 1, successorFrom(newest, this.#now(), false, this.#times), by)
    const { kid, signsFrom } = this.#newest()
    return { kid, signsFrom }
  }

  async turn(): Promise<void> {
    await this.#read()
    const newest = this.#newest()
    const now = this.#now()
    if (now < successorDue(newest, this.#times)) return
    await this.#make(newest.generation + 1, successorFrom(newest, now, true, this.#times), 'schedule')
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    await this.#turning
  }

  #plan(): void {
    if (this.#closed) return
    this.#cancel = this.#parts.tools.after(this.#times.reload * 1000, () => {
      this.#turning = this.turn()
        .catch((cause: unknown) =>
          this.#parts.tools.log.error('the signing keys could not be kept up', { cause }),
        )
        .then(() => this.#plan())
    })
  }

  /** A read that began later wins, whichever ends first. */
  async #read(): Promise<void> {
    this.#reads += 1
    const turn = this.#reads
    const began = this.#now()
    const records = await this.#parts.store.keys(this.#parts.purpose)
    if (turn < this.#newestRead) return
    this.#ring = openRing(records, this.#ring, this.#parts.seal, began, this.#times)
    this.#newestRead = turn
    this.#readAt = began
  }

  /** One commit: the next key, the end of those before it, and their entries. Where another broker was first, its key it is. */
  async #make(generation: number, signsFrom: number, by: string): Promise<void> {
    const { purpose, seal, record, store, tools } = this.#parts
    const { record: key } = makeKey(
      { purpose, generation, algorithm: this.#parts.algorithm ?? 'ES256', now: this.#now(), signsFrom },
      seal,
    )
    const retired = this.#ring.records.filter((each) => (each.signsUntil ?? signsFrom + 1) > signsFrom)
    const until = publishedUntil(signsFrom, this.#times)
    try {
      await store.commit([
        { kind: 'key.create', key },
        record({ type: 'key.created', purpose, kid: key.kid, from: signsFrom, by }),
        ...retired.flatMap(({ kid }): Change[] => [
          { kind: 'key.retire', kid, signsUntil: signsFrom, publishedUntil: until },
          record({ type: 'key.retired', purpose, kid, from: signsFrom, by }),
        ]),
      ])
    } catch (thrown) {
      if (!(thrown instanceof Conflict)) throw thrown
      await this.#read()
      return
    }
    await this.#read()
    const said = { purpose, kid: key.kid, generation, signs_from: signsFrom, by }
    tools.log.info(generation === 1 ? 'the first key was made' : 'the keys were rotated', said)
  }

  #newest(): KeyRecord {
    const newest = this.#ring.records.reduce<KeyRecord | undefined>(
      (best, key) => (best === undefined || key.generation > best.generation ? key : best),
      undefined,
    )
    if (newest === undefined) throw new Failure('internal', { reason: 'the store lost the signing keys' })
    return newest
  }

  #now(): number {
    return Math.floor(this.#parts.tools.now() / 1000)
  }
}
