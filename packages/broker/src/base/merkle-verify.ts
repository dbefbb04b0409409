import { hashSize, nodeHash } from './merkle.ts'

/** Whether `leaf` is at `index` of the tree with `size` leaves and this root, RFC 9162 2.1.3.2. Never throws. */
export function verifyInclusion(
  claim: {
    readonly leaf: Uint8Array
    readonly index: number
    readonly size: number
    readonly root: Uint8Array
  },
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(claim.index) || !isSize(claim.size) || claim.index >= claim.size) return false
  if (![claim.leaf, claim.root, ...proof].every(isHash)) return false
  let node = claim.index
  let last = claim.size - 1
  let hash = claim.leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = node / 2
        last = Math.floor(last / 2)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && sameHash(hash, claim.root)
}

interface Head {
  readonly size: number
  readonly root: Uint8Array
}

/** Whether the tree of `second` extends the tree of `first`, RFC 9162 2.1.4.2. Never throws. */
export function verifyConsistency(first: Head, second: Head, proof: readonly Uint8Array[]): boolean {
  if (!isSize(first.size) || !isSize(second.size) || first.size > second.size) return false
  if (![first.root, second.root, ...proof].every(isHash)) return false
  if (first.size === second.size) return proof.length === 0 && sameHash(first.root, second.root)
  if (first.size === 0) return proof.length === 0
  if (proof.length === 0) return false
  let node = first.size - 1
  let last = second.size - 1
  while (node % 2 === 1) {
    node = (node - 1) / 2
    last = Math.floor(last / 2)
  }
  // An older tree that is one complete subtree is known already, so the proof leaves it out (2.1.4.2, step 2).
  const [start, ...rest] = node === 0 ? [first.root, ...proof] : proof
  if (start === undefined) return false
  let older = start
  let newer = start
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      older = nodeHash(sibling, older)
      newer = nodeHash(sibling, newer)
      while (node % 2 === 0 && node !== 0) {
        node = node / 2
        last = Math.floor(last / 2)
      }
    } else {
      newer = nodeHash(newer, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && sameHash(older, first.root) && sameHash(newer, second.root)
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isHash(value: Uint8Array): boolean {
  return value.length === hashSize
}

/** Public values: no constant time needed. */
function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}
