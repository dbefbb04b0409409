import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** An RSA key as GitHub's: 2048 bits, RS256, made when it is asked for and never written down. */
export interface SigningKey {
  readonly kid: string
  readonly publicJwk: Readonly<Record<string, string>>
  /** A compact JWS; members of `header` replace those of the key, `undefined` leaves one out. */
  sign(payload: unknown, header?: Readonly<Record<string, unknown>>): string
}

/** Makes a new key. */
export function makeSigningKey(): SigningKey {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 65_537 })
  const { n = '', e = '' } = pair.publicKey.export({ format: 'jwk' })
  const thumbprint = createHash('sha1').update(pair.publicKey.export({ format: 'der', type: 'spki' }))
  const x5t = thumbprint.copy().digest('base64url')
  const kid = thumbprint.digest('hex').toUpperCase()
  return {
    kid,
    publicJwk: { kty: 'RSA', alg: 'RS256', use: 'sig', kid, n, e, x5t },
    sign: (payload, header = {}) =>
      compact(pair.privateKey, { alg: 'RS256', kid, typ: 'JWT', x5t, ...header }, payload),
  }
}

function compact(key: KeyObject, header: Readonly<Record<string, unknown>>, payload: unknown): string {
  const input = `${encoded(header)}.${encoded(payload)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
