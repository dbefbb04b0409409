import { foldRight, nodeHash } from './merkle.ts'

/** Hashes of complete subtrees at level 0, 8, 16 ...: as many of `limit` as there are. */
export type HashesAt = (level: number, from: number, limit: number) => Promise<readonly Uint8Array[]>

/** A complete subtree: over leaves `index * 2^level` up to `(index + 1) * 2^level`. */
interface Node {
  readonly level: number
  readonly index: number
}

/** The proof that leaf `index` is in the tree of `size` leaves, RFC 9162 2.1.3.1. Throws `RangeError` outside. */
export async function inclusionProof(
  hashesAt: HashesAt,
  index: number,
  size: number,
): Promise<readonly Uint8Array[]> {
  if (!isIndex(index) || !isIndex(size) || index >= size) throw new RangeError('no such entry in this tree')
  const ranges: [number, number][] = []
  let begin = 0
  let end = size
  while (end - begin > 1) {
    const middle = begin + split(end - begin)
    ranges.push(index < middle ? [middle, end] : [begin, middle])
    if (index < middle) end = middle
    else begin = middle
  }
  return hashRanges(hashesAt, ranges.reverse())
}

/** The proof that the tree of `second` leaves extends the tree of `first`, RFC 9162 2.1.4.1. */
export async function consistencyProof(
  hashesAt: HashesAt,
  first: number,
  second: number,
): Promise<readonly Uint8Array[]> {
  if (!isIndex(first) || !isIndex(second) || first > second) throw new RangeError('no such tree')
  if (first === 0 || first === second) return []
  const ranges: [number, number][] = []
  let begin = 0
  let end = second
  // The left part is known to the verifier only while the walk never turned right (RFC 9162: SUBPROOF's flag).
  let known = true
  while (first !== end) {
    const middle = begin + split(end - begin)
    ranges.push(first <= middle ? [middle, end] : [begin, middle])
    if (first <= middle) end = middle
    else {
      begin = middle
      known = false
    }
  }
  if (!known) ranges.push([begin, end])
  return hashRanges(hashesAt, ranges.reverse())
}

/** The root of the tree's first `size` leaves. */
export async function rootAt(hashesAt: HashesAt, size: number): Promise<Uint8Array> {
  if (!isIndex(size)) throw new RangeError('not a tree size')
  const [root] = await hashRanges(hashesAt, [[0, size]])
  return root ?? foldRight([])
}

async function hashRanges(
  hashesAt: HashesAt,
  ranges: readonly (readonly [number, number])[],
): Promise<readonly Uint8Array[]> {
  const tiles = new Map<string, Promise<readonly Uint8Array[]>>()
  const tile = (level: number, index: number) => {
    const name = `${level}/${index}`
    const found = tiles.get(name) ?? hashesAt(level, index * 256, 256)
    tiles.set(name, found)
    return found
  }
  const hashes: Uint8Array[] = []
  for (const [begin, end] of ranges) {
    const nodes = await Promise.all(completeNodes(begin, end).map((node) => nodeFromTile(tile, node)))
    hashes.push(foldRight(nodes))
  }
  return hashes
}

/** Hashes a node's descendants at the tile's level together: 2^(level mod 8) of them, all in one tile. */
async function nodeFromTile(
  tile: (level: number, index: number) => Promise<readonly Uint8Array[]>,
  node: Node,
): Promise<Uint8Array> {
  const width = 2 ** (node.level % 8)
  const first = node.index * width
  const hashes = await tile(node.level - (node.level % 8), Math.floor(first / 256))
  let row = hashes.slice(first % 256, (first % 256) + width)
  if (row.length !== width) throw new Error('the log lacks hashes that its size promises')
  while (row.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i + 1 < row.length; i += 2) {
      const [left, right] = [row[i], row[i + 1]]
      if (left !== undefined && right !== undefined) above.push(nodeHash(left, right))
    }
    row = above
  }
  const [hash] = row
  if (hash === undefined) throw new Error('the log lacks hashes that its size promises')
  return hash
}

/** Cuts `[begin, end)` into complete subtrees, largest first. `begin` is where a subtree of that size may start. */
function completeNodes(begin: number, end: number): readonly Node[] {
  const nodes: Node[] = []
  let from = begin
  while (from < end) {
    let level = 0
    while (from % 2 ** (level + 1) === 0 && from + 2 ** (level + 1) <= end) level++
    nodes.push({ level, index: from / 2 ** level })
    from += 2 ** level
  }
  return nodes
}

/** The largest power of two below `size`. */
function split(size: number): number {
  let half = 1
  while (half * 2 < size) half *= 2
  return half
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
