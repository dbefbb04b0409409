import type { KeyObject } from 'node:crypto'
import type { KeyRecord } from '../store/store.ts'
import { type OpenKey, openKey } from './key-material.ts'
import { isPublished, type KeyTimes } from './key-times.ts'
import type { Seal } from './seal.ts'
import { signEs256, signRs256 } from './signature.ts'

/** JWS algorithms that we sign tokens with: ours, and the one that every cloud takes. */
export type SigningAlgorithm = 'ES256' | 'RS256'

/** The key that signs now. */
export interface Signer {
  readonly kid: string
  /** The JWS `alg` (RFC 7518 3.1). */
  readonly algorithm: SigningAlgorithm
  /** The JWS signature over the signing input. */
  sign(input: Uint8Array | string): Buffer
}

/** A key as the JWK Set shows it: what clouds ask for (no `key_ops`), and public members only (RFC 7517 9.2). */
export interface PublishedKey {
  readonly kid: string
  readonly kty: string
  /** Of an elliptic curve. */
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  /** Of RSA. */
  readonly n?: string
  readonly e?: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
}

interface Held extends OpenKey {
  readonly signer: Signer
  readonly published: PublishedKey
}

/** Our signing keys as read from the store at one moment. */
export interface KeyRing {
  /** By generation, newest first; those that are no longer published are left out. */
  readonly held: readonly Held[]
  /** Every key there ever was. */
  readonly records: readonly KeyRecord[]
}

/** Opens what has to be open; a key that is open in `before` is not opened again. Throws `Failure('internal')`. */
export function openRing(
  records: readonly KeyRecord[],
  before: KeyRing | undefined,
  seal: Seal,
  now: number,
  times: KeyTimes,
): KeyRing {
  const known = new Map(before?.held.map((key) => [key.record.kid, key]))
  const held = records
    .filter((record) => isPublished(record, now, times))
    .toSorted((one, other) => other.generation - one.generation)
    .map((record) => {
      const open = known.get(record.kid)
      return open === undefined ? hold(openKey(record, seal)) : { ...open, record }
    })
  return { held, records }
}

function hold(key: OpenKey): Held {
  const { kid } = key.record
  const algorithm: SigningAlgorithm = key.privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
  const { kty = '', crv, x, y, n, e } = key.publicJwk
  const curve = crv === undefined || x === undefined || y === undefined ? {} : { crv, x, y }
  const modulus = n === undefined || e === undefined ? {} : { n, e }
  const signWith = algorithm === 'RS256' ? signRs256 : signEs256
  return {
    ...key,
    signer: { kid, algorithm, sign: (input) => signWith(key.privateKey, input) },
    published: { kid, kty, ...curve, ...modulus, alg: algorithm, use: 'sig' },
  }
}

/** The newest key whose time has come. The very first key needs no wait: its maker's clock may be ahead of ours. */
export function signerOf(ring: KeyRing, now: number): Signer | undefined {
  const due = ring.held.find((key) => key.record.signsFrom <= now)
  return (due ?? (ring.records.length === 1 ? ring.held[0] : undefined))?.signer
}

/** The public key of this id while tokens of it may still be met. */
export function publicKeyOf(ring: KeyRing, kid: string, now: number, times: KeyTimes): KeyObject | undefined {
  const key = ring.held.find((each) => each.record.kid === kid)
  return key !== undefined && isPublished(key.record, now, times) ? key.publicKey : undefined
}
