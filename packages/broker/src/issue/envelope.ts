import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { Seal } from './seal.ts'

/**
 * Wraps the keys of envelopes: the master key does, or a KMS whose key never leaves it. `context` names what the key is
 * for; a wrapped key opens for nothing else. Both throw `Failure`: `provider_unavailable` when the KMS does not answer,
 * `internal` when what comes back is not what was wrapped.
 */
export interface KeyWrap {
  wrap(context: string, key: Uint8Array): Promise<Uint8Array>
  unwrap(context: string, wrapped: Uint8Array): Promise<Uint8Array>
}

/** The master key as a `KeyWrap`. */
export function keyWrapOf(seal: Seal): KeyWrap {
  return {
    wrap: async (context, key) => seal.seal('data-key', context, key),
    unwrap: async (context, wrapped) => seal.open('data-key', context, wrapped),
  }
}

// version (1) | length of the wrapped key (2) | wrapped key | nonce (12) | ciphertext | tag (16)
const version = 1
const nonceSize = 12
const tagSize = 16
const keySize = 32
const longestWrapped = 4096

/**
 * Seals one secret under a key of its own, which is kept beside it, wrapped: the KMS never sees a secret. AES-256-GCM; each key seals once, so its nonce cannot repeat.
 */
export async function sealEnvelope(
  wrap: KeyWrap,
  context: string,
  secret: Uint8Array,
  tools: Pick<Tools, 'randomBytes'>,
): Promise<Uint8Array> {
  const key = Buffer.from(tools.randomBytes(keySize))
  try {
    const wrapped = await wrap.wrap(context, key)
    if (wrapped.length === 0 || wrapped.length > longestWrapped)
      throw broken('the wrapped key has no fit size')
    const head = Buffer.alloc(3)
    head.writeUInt8(version, 0)
    head.writeUInt16BE(wrapped.length, 1)
    const nonce = tools.randomBytes(nonceSize)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(boundTo(context, wrapped))
    const body = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()])
    return Buffer.concat([head, wrapped, nonce, body])
  } finally {
    key.fill(0)
  }
}

/** Throws `Failure('internal')` when anything is different from what was sealed for this context. */
export async function openEnvelope(
  wrap: KeyWrap,
  context: string,
  envelope: Uint8Array,
): Promise<Uint8Array> {
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.length)
  if (bytes.length < 3 || bytes[0] !== version) throw broken('it has an unknown format')
  const wrapped = bytes.subarray(3, 3 + bytes.readUInt16BE(1))
  const rest = bytes.subarray(3 + wrapped.length)
  if (wrapped.length !== bytes.readUInt16BE(1) || rest.length < nonceSize + tagSize)
    throw broken('it is cut off')
  const key = Buffer.from(await wrap.unwrap(context, wrapped))
  try {
    if (key.length !== keySize) throw broken('its key has another size')
    const decipher = createDecipheriv('aes-256-gcm', key, rest.subarray(0, nonceSize), {
      authTagLength: tagSize,
    })
    decipher.setAAD(boundTo(context, wrapped))
    decipher.setAuthTag(rest.subarray(rest.length - tagSize))
    const body = rest.subarray(nonceSize, rest.length - tagSize)
    return Buffer.concat([decipher.update(body), decipher.final()])
  } catch (cause) {
    throw cause instanceof Failure ? cause : broken('another place, or changed bytes', cause)
  } finally {
    key.fill(0)
  }
}

function boundTo(context: string, wrapped: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`mayfly envelope ${version}\0${context}\0`, 'utf8'), wrapped])
}

function broken(why: string, cause?: unknown): Failure {
  return new Failure('internal', { reason: `an envelope does not open: ${why}`, cause })
}
