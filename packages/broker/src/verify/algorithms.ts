import { constants, type KeyObject, verify } from 'node:crypto'

/** Everything about one algorithm (RFC 7518 3.1, RFC 8037 3.1). Symmetric ones and `none` do not exist here. */
interface Algorithm {
  readonly keyType: 'RSA' | 'EC' | 'OKP'
  readonly curve?: string
  readonly verify: (signed: Uint8Array, key: KeyObject, signature: Uint8Array) => boolean
}

function rsa(hash: string): Algorithm {
  return { keyType: 'RSA', verify: (signed, key, signature) => verify(hash, signed, key, signature) }
}

function pss(hash: string, saltLength: number): Algorithm {
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return {
    keyType: 'RSA',
    verify: (signed, key, signature) => verify(hash, signed, { key, padding, saltLength }, signature),
  }
}

/** `r` and `s` side by side, each exactly half (RFC 7518 3.4). */
function ecdsa(hash: string, curve: string, length: number): Algorithm {
  return {
    keyType: 'EC',
    curve,
    verify: (signed, key, signature) =>
      signature.length === length && verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature),
  }
}

const ed25519: Algorithm = {
  keyType: 'OKP',
  curve: 'Ed25519',
  verify: (signed, key, signature) => signature.length === 64 && verify(null, signed, key, signature),
}

export const algorithms = {
  RS256: rsa('sha256'),
  RS384: rsa('sha384'),
  RS512: rsa('sha512'),
  PS256: pss('sha256', 32),
  ES256: ecdsa('sha256', 'P-256', 64),
  ES384: ecdsa('sha384', 'P-384', 96),
  EdDSA: ed25519,
  Ed25519: ed25519,
} as const satisfies Record<string, Algorithm>

export type AlgorithmName = keyof typeof algorithms

/** The row of an algorithm; names are compared exactly (RFC 8725 3.1). */
export function algorithmOf(name: string): Algorithm | undefined {
  return Object.hasOwn(algorithms, name) ? algorithms[name as AlgorithmName] : undefined
}
