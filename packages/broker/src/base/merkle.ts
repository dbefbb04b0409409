import { hash } from 'node:crypto'

/** Bytes of one SHA-256 hash. */
export const hashSize = 32

/** Root of the empty tree, RFC 9162 2.1.1. */
export const emptyRoot: Uint8Array = hash('sha256', new Uint8Array(), 'buffer')

const pair = new Uint8Array(1 + 2 * hashSize)
pair[0] = 1

/** Where an entry stands behind its zero byte while it is hashed; grows with the longest. */
let leaf = new Uint8Array(4096)

/** SHA-256(0x00 || entry), RFC 9162 2.1.1. */
export function leafHash(entry: Uint8Array): Uint8Array {
  if (leaf.length < 1 + entry.length) leaf = new Uint8Array(2 * (1 + entry.length))
  leaf.set(entry, 1)
  return hash('sha256', leaf.subarray(0, 1 + entry.length), 'buffer')
}

/** SHA-256(0x01 || left || right), RFC 9162 2.1.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  // A shorter or longer hash would shift the border between the two and let one node stand for another.
  if (left.length !== hashSize || right.length !== hashSize) throw new RangeError('a hash has 32 bytes')
  pair.set(left, 1)
  pair.set(right, 1 + hashSize)
  return hash('sha256', pair, 'buffer')
}

/** Told of each subtree that an append completed: `level` 0 = a leaf, `index` counts subtrees of that level. */
export type Completed = (level: number, index: number, hash: Uint8Array) => void

/**
 * The right edge of a growing tree: the roots of its complete subtrees, largest first (one for each bit of `size`).
 * Appending costs two hashes on average and the root at most 53, whatever the size.
 */
export class Frontier {
  readonly #roots: Uint8Array[]
  #size: number

  constructor(size = 0, roots: readonly Uint8Array[] = []) {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('not a tree size')
    if (roots.length !== bitCount(size)) throw new RangeError('the frontier does not fit the size')
    this.#size = size
    this.#roots = [...roots]
  }

  /** Reads what `encode` wrote; throws `RangeError` when it does not fit the size. */
  static decode(size: number, bytes: Uint8Array): Frontier {
    if (bytes.length % hashSize !== 0) throw new RangeError('the frontier is cut')
    const roots: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += hashSize) roots.push(bytes.slice(at, at + hashSize))
    return new Frontier(size, roots)
  }

  get size(): number {
    return this.#size
  }

  /** Adds one leaf at index `size`. */
  append(leaf: Uint8Array, completed?: Completed): void {
    if (leaf.length !== hashSize) throw new RangeError('a hash has 32 bytes')
    let index = this.#size
    let level = 0
    let node = leaf
    completed?.(0, index, node)
    while (index % 2 === 1) {
      const left = this.#roots.pop()
      if (left === undefined) throw new RangeError('the frontier does not fit the size')
      node = nodeHash(left, node)
      index = (index - 1) / 2
      level++
      completed?.(level, index, node)
    }
    this.#roots.push(node)
    this.#size++
  }

  /** The Merkle root over all leaves, RFC 9162 2.1.1. */
  root(): Uint8Array {
    return foldRight(this.#roots)
  }

  encode(): Uint8Array {
    return Buffer.concat(this.#roots)
  }
}

/** Joins the roots of complete subtrees, largest first, into the root over all of them. */
export function foldRight(roots: readonly Uint8Array[]): Uint8Array {
  return roots.length === 0 ? emptyRoot : roots.reduceRight((right, left) => nodeHash(left, right))
}

function bitCount(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}
