import { type KeyObject, sign } from 'node:crypto'

/** Bytes of one ES256 signature: r and s, 32 each (RFC 7518 3.4). */
const half = 32

/**
 * ES256, synchronous. Signs in DER and converts: asking Node for `ieee-p1363` costs twice the time on some of its
 * versions, the conversion costs nothing.
 */
export function signEs256(key: KeyObject, input: Uint8Array | string): Buffer {
  return joseOfDer(sign('sha256', typeof input === 'string' ? Buffer.from(input) : input, key))
}

/** RS256 (RFC 7518 3.3): RSASSA-PKCS1-v1_5 with SHA-256, which AWS, Google, Microsoft and Vault all take. */
export function signRs256(key: KeyObject, input: Uint8Array | string): Buffer {
  return sign('sha256', typeof input === 'string' ? Buffer.from(input) : input, key)
}

/**
 * SEQUENCE { INTEGER r, INTEGER s } as r || s. Only ever given what OpenSSL made for P-256, which fits the short
 * length form; throws `RangeError` on anything else.
 */
export function joseOfDer(der: Uint8Array): Buffer {
  const signature = Buffer.alloc(2 * half)
  let at = 2
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new RangeError('not a DER signature')
  for (const end of [half, 2 * half]) {
    const length = der[at + 1] ?? 0
    if (der[at] !== 0x02 || length === 0) throw new RangeError('not a DER signature')
    // DER integers are signed: one zero byte in front of a high bit, none in front of a small number.
    const from = at + 2 + Math.max(0, length - half)
    at += 2 + length
    if (at > der.length || (length > half && (length > half + 1 || der[from - 1] !== 0)))
      throw new RangeError('not a DER signature')
    signature.set(der.subarray(from, at), end - (at - from))
  }
  if (at !== der.length) throw new RangeError('not a DER signature')
  return signature
}
