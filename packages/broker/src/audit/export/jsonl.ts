import { canonicalJson } from '../../base/canonical-json.ts'
import type { Entry } from '../../domain.ts'
import type { Store } from '../../store/store.ts'
import { readCheckpoint } from '../checkpoint.ts'

/** The first member of the first line; raised when the form changes. */
export const exportVersion = 'mayfly-audit-log/1'

/** Entries for which one line with the hash over all of them follows. */
export const tileSize = 256

const atOnce = 1_024

/**
 * The whole log up to a signed head, line by line (each to be ended by `\n`). The first line holds the head and the
 * key's name; then each entry has one line with its index, the leaf hash that the store keeps and its exact bytes;
 * after each 256 a line holds the hash that the store keeps over them. The kept hashes, not ones made here, are what
 * later tells which line was changed.
 */
export async function* exportJsonl(parts: {
  readonly store: Pick<Store, 'entries' | 'hashes'>
  /** The note of a signed head. */
  readonly checkpoint: string
  readonly verifierKey: string
}): AsyncGenerator<string, void, undefined> {
  const { store, checkpoint, verifierKey } = parts
  const { size } = readCheckpoint(checkpoint)
  yield canonicalJson({ checkpoint, format: exportVersion, key: verifierKey })
  for (let from = 0; from < size; from += atOnce) {
    const count = Math.min(atOnce, size - from)
    const entries = await store.entries(from, count)
    const leaves = await store.hashes(0, from, count)
    const tiles = await store.hashes(8, from / tileSize, Math.floor(count / tileSize))
    for (const [i, entry] of entries.entries()) {
      yield entryLine(entry, leaves[i] ?? new Uint8Array())
      const tile = (from + i + 1) / tileSize
      if (Number.isInteger(tile))
        yield tileLine(tile - 1, tiles[tile - 1 - from / tileSize] ?? new Uint8Array())
    }
    // Entries are missing: the file ends here and whoever verifies it learns so.
    if (entries.length < count) return
  }
}

/** `entry` are the bytes that were hashed, as they are: never written anew. */
function entryLine(entry: Entry, leaf: Uint8Array): string {
  const start = `{"index":${entry.index},"leaf":"${base64(leaf)}",`
  const text = Buffer.from(entry.bytes).toString('utf8')
  const isOneLine = !text.includes('\n') && Buffer.compare(Buffer.from(text), entry.bytes) === 0
  return isOneLine && text !== '' ? `${start}"entry":${text}}` : `${start}"base64":"${base64(entry.bytes)}"}`
}

function tileLine(tile: number, hash: Uint8Array): string {
  return `{"tile":${tile},"hash":"${base64(hash)}"}`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
