import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type webcrypto,
} from 'node:crypto'

export type SigningAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA' | 'Ed25519'

/** A platform's key pair, made when a test starts. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
  /** The public half as it stands in a JWK Set. */
  readonly jwk: Readonly<Record<string, unknown>>
}

/** Makes a key pair; RSA has 2048 bits when nothing else is said. */
export function newSigningKey(
  kid: string,
  algorithm: SigningAlgorithm = 'RS256',
  modulusLength = 2048,
): SigningKey {
  const { privateKey } = pair(algorithm, modulusLength)
  const jwk: webcrypto.JsonWebKey = createPublicKey(privateKey).export({ format: 'jwk' })
  return { kid, algorithm, privateKey, jwk: { ...jwk, kid, alg: algorithm, use: 'sig' } }
}

function pair(algorithm: SigningAlgorithm, modulusLength: number): { privateKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (algorithm === 'ES384') return generateKeyPairSync('ec', { namedCurve: 'P-384' })
  if (algorithm === 'EdDSA' || algorithm === 'Ed25519') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength })
}

/** One part of a token: base64url of a text, or of bytes that no text has. */
export function part(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url')
}

/** The signature of `signed` as RFC 7518 3 writes it. */
export function signatureOf(
  { algorithm, privateKey: key }: SigningKey,
  signed: string,
  name = algorithm,
): Buffer {
  const bytes = Buffer.from(signed)
  const hash = `sha${name.slice(2)}`
  if (name === 'EdDSA' || name === 'Ed25519') return sign(null, bytes, key)
  if (name === 'PS256')
    return sign(hash, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
  if (name.startsWith('ES')) return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' })
  return sign(hash, bytes, key)
}

/** Signs a header and a payload that are written out, for what no JSON writer would write. */
export function signTexts(
  key: SigningKey,
  header: string | Uint8Array,
  payload: string | Uint8Array,
): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${signatureOf(key, signed).toString('base64url')}`
}

/** Signs claims. What `header` holds is added to the usual one or replaces it; `undefined` takes away. */
export function signToken(
  key: SigningKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): string {
  const full = { alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header }
  return signTexts(key, JSON.stringify(full), JSON.stringify(claims))
}
