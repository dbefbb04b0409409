/** OpenSSH user certificates (PROTOCOL.certkeys), for Ed25519 keys. Pure but for the authority's signature. */
import type { Authority } from './authority.ts'
import { string, uint32, uint64 } from './wire.ts'

export interface UserCertificate {
  /** The 32 bytes of the Ed25519 public key that is certified. */
  readonly publicKey: Uint8Array
  /** 32 random bytes, so that nobody can choose what the authority signs. */
  readonly nonce: Uint8Array
  readonly serial: bigint
  /** What hosts write to their log. */
  readonly keyId: string
  /** Never empty: a certificate without principals is good for every account. */
  readonly principals: readonly string[]
  readonly validAfter: number
  /** The first second at which it is no longer valid. */
  readonly validBefore: number
  /** What a host that does not understand it must refuse. */
  readonly criticalOptions: ReadonlyMap<string, string>
  /** What it allows beside running a command; an empty text is a flag. */
  readonly extensions: ReadonlyMap<string, string>
}

export const certificateType = 'ssh-ed25519-cert-v01@openssh.com'
const user = 1

/** The certificate as on the wire. Throws `RangeError` for one that would be valid for anybody or without end. */
export function userCertificate(wanted: UserCertificate, authority: Authority): Buffer {
  const { principals, validAfter, validBefore, publicKey } = wanted
  if (principals.length === 0 || principals.includes(''))
    throw new RangeError('a certificate for no principal')
  if (!(validAfter >= 0 && validAfter < validBefore && Number.isSafeInteger(validBefore)))
    throw new RangeError('a certificate without an end')
  if (publicKey.length !== 32) throw new RangeError('not an Ed25519 key')
  const signed = Buffer.concat([
    string(certificateType),
    string(wanted.nonce),
    string(publicKey),
    uint64(wanted.serial),
    uint32(user),
    string(wanted.keyId),
    string(Buffer.concat(principals.map((principal) => string(principal)))),
    uint64(validAfter),
    uint64(validBefore),
    string(options(wanted.criticalOptions)),
    string(options(wanted.extensions)),
    string(''),
    string(authority.blob),
  ])
  return Buffer.concat([signed, string(authority.sign(signed))])
}

/** In the order of their names, as PROTOCOL.certkeys asks; a value is a text within a text, a flag an empty one. */
function options(named: ReadonlyMap<string, string>): Buffer {
  const sorted = [...named].sort(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.concat(
    sorted.flatMap(([name, value]) => [string(name), string(value === '' ? '' : string(value))]),
  )
}

/** The line of a `-cert.pub` file. */
export function certificateLine(certificate: Uint8Array, comment: string): string {
  return `${certificateType} ${Buffer.from(certificate).toString('base64')} ${comment}\n`
}
