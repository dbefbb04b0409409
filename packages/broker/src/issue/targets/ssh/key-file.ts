/** Private keys in OpenSSH's own file format (PROTOCOL.key), read for authorities and written for jobs. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { mpint, string, uint32, WireReader } from './wire.ts'

const magic = Buffer.from('openssh-key-v1\0', 'latin1')
const begin = '-----BEGIN OPENSSH PRIVATE KEY-----'
const end = '-----END OPENSSH PRIVATE KEY-----'
/** The cipher `none` pads as one of eight bytes would. */
const block = 8

/**
 * A private key from a file: OpenSSH's format, or PEM (PKCS#8, PKCS#1, SEC 1). Throws an `Error` that says what is
 * wrong and nothing of the key.
 */
export function readPrivateKey(text: string): KeyObject {
  if (text.includes(begin)) return readOpenSsh(text)
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) throw new Error(locked)
  try {
    return createPrivateKey(text)
  } catch {
    // Node's own message may quote what it read.
    throw new Error('it is neither an OpenSSH private key nor one in PEM')
  }
}

const locked = 'it is locked by a passphrase; keep it unlocked where only the broker can read it'

function readOpenSsh(text: string): KeyObject {
  const inside = text.slice(text.indexOf(begin) + begin.length).split(end, 1)[0] ?? ''
  const reader = new WireReader(Buffer.from(inside, 'base64'))
  try {
    if (!reader.take(magic.length).equals(magic)) throw new RangeError('magic')
    const [cipher, , , keys] = [reader.text(), reader.text(), reader.text(), reader.uint32()]
    if (cipher !== 'none') throw new Error(locked)
    if (keys !== 1) throw new Error('it holds more than one key')
    reader.string()
    const secret = new WireReader(reader.string())
    const checks = [secret.uint32(), secret.uint32()]
    if (checks[0] !== checks[1]) throw new RangeError('check')
    return createPrivateKey({ key: jwkOf(secret), format: 'jwk' })
  } catch (thrown) {
    // What went wrong inside could quote parts of the key; only our own words leave.
    const own = thrown instanceof Error && !(thrown instanceof RangeError) && !('code' in thrown)
    throw own ? thrown : new Error('it is damaged')
  }
}

/** One private key as a JWK (RFC 7518 6, RFC 8037 2), which is what Node can open. */
function jwkOf(reader: WireReader): Record<string, string> {
  const type = reader.text()
  if (type === 'ssh-ed25519') {
    const [x, secret] = [reader.string(), reader.string()]
    return { kty: 'OKP', crv: 'Ed25519', x: base64url(x), d: base64url(secret.subarray(0, 32)) }
  }
  if (type === 'ecdsa-sha2-nistp256') {
    reader.string()
    const [point, d] = [reader.string(), reader.number()]
    const [x, y] = [point.subarray(1, 33), point.subarray(33, 65)]
    return { kty: 'EC', crv: 'P-256', x: base64url(x), y: base64url(y), d: base64url(sized(d, 32)) }
  }
  if (type === 'ssh-rsa') return rsaJwk(reader)
  throw new Error('it is of a type that cannot be used here: Ed25519, ECDSA P-256 or RSA')
}

function rsaJwk(reader: WireReader): Record<string, string> {
  const next = () => reader.number()
  const [n, e, d, qi, p, q] = [next(), next(), next(), next(), next(), next()]
  // OpenSSH leaves out what RFC 7518 6.3.2 needs and anyone can compute.
  const exponent = (prime: Buffer) => sized(bytesOf(bigint(d) % (bigint(prime) - 1n)), 0)
  const members = { n, e, d, p, q, qi, dp: exponent(p), dq: exponent(q) }
  const encoded = Object.entries(members).map(([name, value]) => [name, base64url(value)])
  return { kty: 'RSA', ...(Object.fromEntries(encoded) as Record<string, string>) }
}

const base64url = (bytes: Buffer) => bytes.toString('base64url')
const bigint = (bytes: Buffer) => BigInt(`0x0${bytes.toString('hex')}`)

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function sized(bytes: Buffer, size: number): Buffer {
  return bytes.length >= size ? bytes : Buffer.concat([Buffer.alloc(size - bytes.length), bytes])
}

/** The file of an Ed25519 key, unlocked. `random`: four bytes, which say whether it was opened rightly. */
export function writePrivateKey(privateKey: KeyObject, comment: string, random: Uint8Array): string {
  const jwk = privateKey.export({ format: 'jwk' })
  const [x, d] = [Buffer.from(jwk.x ?? '', 'base64url'), Buffer.from(jwk.d ?? '', 'base64url')]
  const publicBlob = Buffer.concat([string('ssh-ed25519'), string(x)])
  const secret = Buffer.concat([random, random, publicBlob, string(Buffer.concat([d, x])), string(comment)])
  const padding = Buffer.from(
    Array.from({ length: (block - (secret.length % block)) % block }, (_, i) => i + 1),
  )
  const whole = Buffer.concat([
    magic,
    string('none'),
    string('none'),
    string(''),
    uint32(1),
    string(publicBlob),
    string(Buffer.concat([secret, padding])),
  ])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  for (const bytes of [d, secret, whole]) bytes.fill(0)
  return `${[begin, ...lines, end].join('\n')}\n`
}

/** A public key as SSH writes it on the wire (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4). Throws for other types. */
export function publicBlob(key: KeyObject): Buffer {
  const jwk = key.export({ format: 'jwk' })
  const member = (name: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[name] ?? '', 'base64url')
  if (jwk.crv === 'Ed25519') return Buffer.concat([string('ssh-ed25519'), string(member('x'))])
  if (jwk.crv === 'P-256') {
    const point = Buffer.concat([Buffer.of(4), sized(member('x'), 32), sized(member('y'), 32)])
    return Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(point)])
  }
  if (jwk.kty === 'RSA') return Buffer.concat([string('ssh-rsa'), mpint(member('e')), mpint(member('n'))])
  throw new Error('it is of a type that cannot be used here: Ed25519, ECDSA P-256 or RSA')
}
