/** A certificate authority: the key that hosts trust (`TrustedUserCAKeys`), and its signatures. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { Failure } from '../../../base/failure.ts'
import { publicBlob, readPrivateKey } from './key-file.ts'
import type { SshConnection } from './settings.ts'
import { mpint, string } from './wire.ts'

export interface Authority {
  readonly name: string
  /** The public key as SSH writes it on the wire. */
  readonly blob: Buffer
  /** A signature as SSH writes it: the algorithm's name, then its bytes (RFC 4253 6.6). */
  readonly sign: (data: Uint8Array) => Buffer
}

/** NIST SP 800-57 part 1: less is not strong enough any more. */
const shortestRsa = 2048

/**
 * Opens an authority. Throws `Failure('internal')` when the private key cannot be used or is not that of the public
 * key which hosts were told to trust: every login would fail, far from here.
 */
export function openAuthority(name: string, connection: SshConnection): Authority {
  const fail = (why: string) => new Failure('internal', { detail: `connections.ssh.${name}: ${why}` })
  const key = keyOf(connection, fail)
  const blob = blobOf(key, fail)
  const trusted = blobOfLine(connection.public_key)
  if (!blob.equals(trusted)) throw fail('private_key is not the private key of public_key')
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < shortestRsa) throw fail(`an RSA key of ${bits} bits is too short`)
  return { name, blob, sign: signerOf(key) }
}

function keyOf(connection: SshConnection, fail: (why: string) => Failure): KeyObject {
  try {
    return readPrivateKey(connection.private_key.reveal())
  } catch (thrown) {
    throw fail(`private_key cannot be used: ${thrown instanceof Error ? thrown.message : 'it is damaged'}`)
  }
}

function blobOf(key: KeyObject, fail: (why: string) => Failure): Buffer {
  try {
    return publicBlob(createPublicKey(key))
  } catch (thrown) {
    throw fail(`private_key cannot be used: ${thrown instanceof Error ? thrown.message : 'it is damaged'}`)
  }
}

/** The key within a line of `.pub` or `authorized_keys`. */
export function blobOfLine(line: string): Buffer {
  return Buffer.from(line.trim().split(/\s+/)[1] ?? '', 'base64')
}

function signerOf(key: KeyObject): Authority['sign'] {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      // RFC 8709 6.
      return (data) => signature('ssh-ed25519', sign(null, data, key))
    case 'ec':
      return (data) => {
        // RFC 5656 3.1.2: r and s as two numbers.
        const both = sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
        const numbers = Buffer.concat([mpint(both.subarray(0, 32)), mpint(both.subarray(32))])
        return signature('ecdsa-sha2-nistp256', numbers)
      }
    default:
      // RFC 8332 3: RSA with SHA-2; hosts refuse `ssh-rsa`, which is SHA-1.
      return (data) => signature('rsa-sha2-512', sign('sha512', data, key))
  }
}

function signature(algorithm: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([string(algorithm), string(bytes)])
}
