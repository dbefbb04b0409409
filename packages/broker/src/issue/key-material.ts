import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { KeyRecord } from '../store/store.ts'
import type { Seal } from './seal.ts'
import { thumbprint } from './thumbprint.ts'

export type KeyAlgorithm = 'ES256' | 'RS256' | 'Ed25519'

/** A key opened in memory. */
export interface OpenKey {
  readonly record: KeyRecord
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Public members only (RFC 7517 9.2). */
  readonly publicJwk: Readonly<Record<string, string>>
}

interface NewKey {
  readonly purpose: string
  readonly generation: number
  readonly algorithm: KeyAlgorithm
  readonly now: number
  readonly signsFrom: number
}

/** Makes a key; its private part is sealed for this `kid` and purpose alone. */
export function makeKey(wanted: NewKey, seal: Seal): OpenKey {
  const pair = keyPair(wanted.algorithm)
  const publicJwk = publicMembers(pair.publicKey)
  const kid = thumbprint(publicJwk)
  const secret = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
  const record: KeyRecord = {
    kid,
    purpose: wanted.purpose,
    generation: wanted.generation,
    algorithm: wanted.algorithm,
    publicJwk: JSON.stringify(publicJwk),
    sealed: seal.seal('signing-key', place(wanted.purpose, kid), secret),
    createdAt: wanted.now,
    signsFrom: wanted.signsFrom,
  }
  secret.fill(0)
  return { record, privateKey: pair.privateKey, publicKey: pair.publicKey, publicJwk }
}

function keyPair(algorithm: KeyAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // RFC 7518 3.3: 2048 bits or more. Some clouds take no more.
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ed25519')
}

/**
 * Opens a kept key. The public part comes from the private one, which is sealed for its kid, and never from the row:
 * whoever can write to the database still cannot make us publish a key of theirs. Throws `Failure('internal')`.
 */
export function openKey(record: KeyRecord, seal: Seal): OpenKey {
  const { kid, purpose } = record
  try {
    const secret = Buffer.from(seal.open('signing-key', place(purpose, kid), record.sealed))
    const privateKey = createPrivateKey({ key: secret, type: 'pkcs8', format: 'der' })
    secret.fill(0)
    const publicKey = createPublicKey(privateKey)
    const publicJwk = publicMembers(publicKey)
    return { record, privateKey, publicKey, publicJwk }
  } catch (cause) {
    throw new Failure('internal', {
      detail: `The ${purpose} key ${kid} does not open. Is keys.encryption the master key that this store was made with?`,
      cause,
    })
  }
}

function place(purpose: string, kid: string): string {
  return `${purpose}/${kid}`
}

function publicMembers(key: KeyObject): Readonly<Record<string, string>> {
  const jwk = key.export({ format: 'jwk' })
  const members: Record<string, string> = {}
  for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e'] as const) {
    const value = jwk[name]
    if (typeof value === 'string') members[name] = value
  }
  return members
}
