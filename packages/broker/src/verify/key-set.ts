import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto'
import { type AlgorithmName, algorithmOf } from './algorithms.ts'

/** A key and the one algorithm that it may be used with (RFC 8725 3.1). */
export interface VerificationKey {
  readonly algorithm: AlgorithmName
  readonly key: KeyObject
}

export type KeySet = ReadonlyMap<string, VerificationKey>

const mostKeys = 50
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Reads a JWK Set (RFC 7517 5). A set that is ambiguous or holds secrets is refused whole, with `TypeError`; a key
 * that we cannot or must not use is left out, so that tokens of it are refused.
 */
export function readKeySet(value: unknown, allowed: readonly AlgorithmName[]): KeySet {
  const keys = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(keys)) throw new TypeError('not a JWK Set')
  if (keys.length > mostKeys) throw new TypeError('more keys than any issuer has')
  const set = new Map<string, VerificationKey>()
  for (const jwk of keys as unknown[]) {
    if (!isObject(jwk)) throw new TypeError('a key that is not an object')
    if (jwk['kty'] === 'oct' || privateMembers.some((name) => Object.hasOwn(jwk, name))) {
      throw new TypeError('a key set with secret members')
    }
    const { kid } = jwk
    if (typeof kid !== 'string' || kid === '') continue
    const key = readKey(jwk, allowed)
    if (key === undefined) continue
    if (set.has(kid)) throw new TypeError('two keys of one name')
    set.set(kid, key)
  }
  return set
}

function readKey(
  jwk: Record<string, unknown>,
  allowed: readonly AlgorithmName[],
): VerificationKey | undefined {
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') return undefined
  // RFC 7517 4.3: a key that says what it is for is for nothing else.
  const operations = jwk['key_ops']
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined
  const algorithm = allowed.find((name) => {
    const row = algorithmOf(name)
    const fits = row?.keyType === jwk['kty'] && (row?.curve === undefined || row.curve === jwk['crv'])
    return fits && (jwk['alg'] === undefined || jwk['alg'] === name)
  })
  if (algorithm === undefined) return undefined
  try {
    const key = createPublicKey({ key: jwk as webcrypto.JsonWebKey, format: 'jwk' })
    return isStrong(key) ? { algorithm, key } : undefined
  } catch {
    return undefined
  }
}

/** RSA: at least 2048 bits and the usual exponent; 1 verifies anything, even ones are no keys (A75). */
function isStrong(key: KeyObject): boolean {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType !== 'rsa') return true
  return (
    modulusLength !== undefined &&
    modulusLength >= 2048 &&
    modulusLength <= 8192 &&
    publicExponent === 65_537n
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
