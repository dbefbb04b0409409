import type { Keys } from './keys.ts'

/** Tokens that tell an upstream who asks: with a type of their own, so that they are no access tokens (RFC 8725 3.11). */
export function assertionsOf(issuer: string, keys: Pick<Keys, 'signer'>): (claims: object) => string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return (claims) => {
    const signer = keys.signer()
    const head = { alg: signer.algorithm, typ: 'mayfly-assertion+jwt', kid: signer.kid }
    const input = `${encode(head)}.${encode({ iss: issuer, ...claims })}`
    return `${input}.${signer.sign(input).toString('base64url')}`
  }
}
