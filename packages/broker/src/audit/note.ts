import { createPublicKey, hash, verify } from 'node:crypto'

/** What signs heads of the log: an Ed25519 key and the name that it signs under. */
export interface LogSigner {
  readonly keyName: string
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The Ed25519 signature, 64 bytes. */
  sign(text: Uint8Array): Uint8Array
}

/** A key that signatures are checked with. */
export interface VerifierKey {
  readonly name: string
  /** The first four bytes of SHA-256(name || 0x0A || 0x01 || key), C2SP signed-note. */
  readonly id: Uint8Array
  readonly publicKey: Uint8Array
}

/** More than anybody honest sends; a note is read whole. */
const limits = { characters: 65_536, signatures: 64 } as const

const ed25519 = 1
/** A key's name has no white space and no plus sign (C2SP signed-note). */
const namePattern = /^[^\s+\p{Z}\p{C}]+$/u

/** Names a public key so that notes can be matched to it. Throws `TypeError` on a name that no note can hold. */
export function verifierKey(name: string, publicKey: Uint8Array): VerifierKey {
  if (!namePattern.test(name) || !name.isWellFormed()) throw new TypeError('not the name of a key')
  if (publicKey.length !== 32) throw new TypeError('an Ed25519 key has 32 bytes')
  const named = Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(ed25519), publicKey])
  return { name, id: hash('sha256', named, 'buffer').subarray(0, 4), publicKey }
}

/** `name+id+key`, as it is published and pinned. */
export function printVerifierKey(key: VerifierKey): string {
  const bytes = Buffer.concat([Uint8Array.of(ed25519), key.publicKey])
  return `${key.name}+${Buffer.from(key.id).toString('hex')}+${bytes.toString('base64')}`
}

/** Reads what `printVerifierKey` wrote. Throws `TypeError` on anything else, also on an id that does not fit. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, base64] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
  const bytes = decodeBase64(base64 ?? '')
  if (name === undefined || bytes === undefined || bytes[0] !== ed25519)
    throw new TypeError('not a verifier key')
  const key = verifierKey(name, bytes.subarray(1))
  if (Buffer.from(key.id).toString('hex') !== id)
    throw new TypeError('the id of the verifier key does not fit it')
  return key
}

/** Signs a text, which must end with a newline: text, empty line, one line for each signature. */
export function signNote(text: string, signers: readonly LogSigner[]): string {
  if (!isNoteText(text)) throw new TypeError('a text that no note can hold')
  const lines = signers.map((signer) => {
    const { name, id } = verifierKey(signer.keyName, signer.publicKey)
    const signature = Buffer.concat([id, signer.sign(Buffer.from(text))])
    return `\u2014 ${name} ${signature.toString('base64')}\n`
  })
  return `${text}\n${lines.join('')}`
}

/**
 * The text of a note that at least one of these keys signed. Throws `TypeError` when none did, when the signature of
 * a known key is wrong, and on any other form. Signatures of unknown keys are passed over (C2SP signed-note).
 */
export function openNote(note: string, keys: readonly VerifierKey[]): string {
  const { text, signatures } = splitNote(note)
  let verified = 0
  for (const { name, bytes } of signatures) {
    const known = keys.filter(
      (key) => key.name === name && Buffer.compare(key.id, bytes.subarray(0, 4)) === 0,
    )
    for (const key of known) {
      if (!isSignedBy(key, text, bytes.subarray(4))) throw new TypeError(`the signature of ${name} is wrong`)
      verified++
    }
  }
  if (verified === 0) throw new TypeError('no trusted key signed this')
  return text
}

/** Cuts a note at its last empty line, without checking any signature. */
export function splitNote(note: string) {
  // The last one: the text itself may hold empty lines.
  const end = note.lastIndexOf('\n\n')
  if (note.length > limits.characters || end < 0 || !note.endsWith('\n'))
    throw new TypeError('not a signed note')
  const text = note.slice(0, end + 1)
  if (!isNoteText(text)) throw new TypeError('not a signed note')
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > limits.signatures) throw new TypeError('a note with too many signatures')
  const signatures = lines.map((line) => {
    const [, name, base64] = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
    const bytes = decodeBase64(base64 ?? '')
    if (name === undefined || !namePattern.test(name) || bytes === undefined || bytes.length < 5) {
      throw new TypeError('not a signature line')
    }
    return { name, bytes }
  })
  return { text, signatures }
}

/** Base 64 in its one canonical spelling; `undefined` otherwise. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

function isSignedBy(key: VerifierKey, text: string, signature: Uint8Array): boolean {
  const x = Buffer.from(key.publicKey).toString('base64url')
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return signature.length === 64 && verify(null, Buffer.from(text), publicKey, signature)
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text)
}
