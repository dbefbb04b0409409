import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Secret } from '../base/secret.ts'
import type { Tools } from '../base/tools.ts'

/** What a sealed text is for: each purpose has keys of its own, so that one can never pass for another. */
export type SealPurpose = 'signing-key' | 'lease-handle' | 'data-key' | 'sign-in'

/** Encrypts what the store keeps but must not be able to read. */
export interface Seal {
  /** `context` names the one place where the bytes belong (a lease's id); they open nowhere else. */
  seal(purpose: SealPurpose, context: string, bytes: Uint8Array): Uint8Array
  /** Throws `Failure('internal')` when anything is different from what was sealed. */
  open(purpose: SealPurpose, context: string, sealed: Uint8Array): Uint8Array
}

// version (1) | salt (16) | nonce (12) | ciphertext | tag (16)
const version = 1
const saltSize = 16
const nonceSize = 12
const tagSize = 16
const head = 1 + saltSize + nonceSize
/** Random nonces: NIST SP 800-38D 8.3 allows 2^32 for one key; a new salt means a new key. */
const messagesPerSalt = 2 ** 31
const keysHeld = 256

/**
 * AES-256-GCM under a key that HKDF-SHA-256 (RFC 5869) makes from the master key, a salt and the purpose. Every
 * process draws its own salt, so that replicas with one master key never come near the limit of random nonces.
 * Throws `Failure('internal')` with an instruction when the master key is not 32 bytes.
 */
export function openSeal(master: Secret, tools: Pick<Tools, 'randomBytes'>): Seal {
  const keyOf = keyring(decodeMaster(master))
  let salt = tools.randomBytes(saltSize)
  let used = 0
  return {
    seal(purpose, context, bytes) {
      used += 1
      if (used > messagesPerSalt) {
        salt = tools.randomBytes(saltSize)
        used = 1
      }
      const nonce = tools.randomBytes(nonceSize)
      const cipher = createCipheriv('aes-256-gcm', keyOf(purpose, salt), nonce)
      cipher.setAAD(boundTo(purpose, context))
      return Buffer.concat([
        Uint8Array.of(version),
        salt,
        nonce,
        cipher.update(bytes),
        cipher.final(),
        cipher.getAuthTag(),
      ])
    },
    open(purpose, context, sealed) {
      if (sealed.length < head + tagSize || sealed[0] !== version) throw broken('an unknown format')
      const foreign = sealed.subarray(1, 1 + saltSize)
      const nonce = sealed.subarray(1 + saltSize, head)
      const decipher = createDecipheriv('aes-256-gcm', keyOf(purpose, foreign), nonce, {
        authTagLength: tagSize,
      })
      decipher.setAAD(boundTo(purpose, context))
      decipher.setAuthTag(sealed.subarray(sealed.length - tagSize))
      try {
        return Buffer.concat([
          decipher.update(sealed.subarray(head, sealed.length - tagSize)),
          decipher.final(),
        ])
      } catch (cause) {
        throw broken('another master key, another place, or changed bytes', cause)
      }
    },
  }
}

function broken(why: string, cause?: unknown): Failure {
  return new Failure('internal', { reason: `a sealed text does not open: ${why}`, cause })
}

function boundTo(purpose: SealPurpose, context: string): Uint8Array {
  return Buffer.from(`mayfly seal ${version}\0${purpose}\0${context}`, 'utf8')
}

function keyring(master: KeyObject): (purpose: SealPurpose, salt: Uint8Array) => KeyObject {
  const held = new Map<string, KeyObject>()
  return (purpose, salt) => {
    const name = purpose + Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('latin1')
    const known = held.get(name)
    if (known !== undefined) return known
    const bytes = hkdfSync('sha256', master, salt, `mayfly seal ${version} ${purpose}`, 32)
    const key = createSecretKey(new Uint8Array(bytes))
    if (held.size >= keysHeld) held.clear()
    held.set(name, key)
    return key
  }
}

/** 32 bytes as base64, base64url or hexadecimal, and nothing looser: a passphrase is no key. */
function decodeMaster(master: Secret): KeyObject {
  const text = master.reveal().trim()
  const bytes = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, 'hex')
    : /^([A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})=$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined
  if (bytes?.length !== 32) throw unfit('is not 32 bytes as base64 or hexadecimal')
  // 32 random bytes have fewer than 16 different values once in about 10^15 draws; `AAAA...` and a word repeated have.
  if (new Set(bytes).size < 16) throw unfit('is not random')
  return createSecretKey(bytes)
}

function unfit(what: string): Failure {
  const detail = `The master key ${what}. Make one with \`openssl rand -base64 32\`, keep a copy, and set keys.encryption.`
  return new Failure('internal', { detail })
}
