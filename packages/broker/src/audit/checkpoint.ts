import { hashSize } from '../base/merkle.ts'
import type { TreeHead } from '../domain.ts'
import { decodeBase64, type LogSigner, openNote, signNote, splitNote, type VerifierKey } from './note.ts'

/** A head of a log and whose log it is (C2SP tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  readonly origin: string
}

/** Signs a head: origin, size, root, each on its line. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly LogSigner[]): string {
  const { origin, size, root } = checkpoint
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
  parseText(text)
  return signNote(text, signers)
}

/** Reads a signed head. Throws `TypeError` when no trusted key signed it or it is no checkpoint. */
export function openCheckpoint(note: string, keys: readonly VerifierKey[]): Checkpoint {
  return parseText(openNote(note, keys))
}

/** Reads a head without checking who signed it: only for what is checked in another way. */
export function readCheckpoint(note: string): Checkpoint {
  return parseText(splitNote(note).text)
}

function parseText(text: string): Checkpoint {
  const [origin, size, base64, ...more] = text.slice(0, -1).split('\n')
  if (origin === undefined || origin === '' || more.includes('')) throw new TypeError('not a checkpoint')
  const root = decodeBase64(base64 ?? '')
  const count = /^(0|[1-9][0-9]{0,15})$/.test(size ?? '') ? Number(size) : Number.NaN
  if (!Number.isSafeInteger(count) || root?.length !== hashSize) throw new TypeError('not a checkpoint')
  return { origin, size: count, root }
}
