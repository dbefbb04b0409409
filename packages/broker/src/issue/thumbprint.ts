import { hash } from 'node:crypto'

/** The public members that RFC 7638 3.2 (and RFC 8037 2 for OKP) requires, by kind of key. */
const required = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
} as const

/** RFC 7638 thumbprint with SHA-256: the one `kid` that everybody computes alike. Throws `TypeError` on other keys. */
export function thumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const kind = jwk['kty']
  if (kind !== 'EC' && kind !== 'OKP' && kind !== 'RSA')
    throw new TypeError('no thumbprint for this kind of key')
  const members: Record<string, string> = {}
  for (const name of required[kind]) {
    const value = jwk[name]
    if (typeof value !== 'string') throw new TypeError(`the key has no ${name}`)
    members[name] = value
  }
  return hash('sha256', JSON.stringify(members), 'base64url')
}
