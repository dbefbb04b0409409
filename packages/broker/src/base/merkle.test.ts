import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyRoot, Frontier, leafHash, nodeHash } from './merkle.ts'
import { consistencyProof, type HashesAt, inclusionProof, rootAt } from './merkle-proof.ts'
import { verifyConsistency, verifyInclusion } from './merkle-verify.ts'

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

/** The leaves and roots that the RFC 6962 reference logs use. */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'].map(bytes)
leaves.push(bytes('606162636465666768696a6b6c6d6e6f'))
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

/** RFC 9162 2.1.1 as written. */
function plainRoot(entries: readonly Uint8Array[]): Uint8Array {
  const [only] = entries
  if (only === undefined) return emptyRoot
  if (entries.length === 1) return leafHash(only)
  let half = 1
  while (half * 2 < entries.length) half *= 2
  return nodeHash(plainRoot(entries.slice(0, half)), plainRoot(entries.slice(half)))
}

function grow(count: number) {
  const entries = Array.from({ length: count }, (_, i) => new TextEncoder().encode(`entry ${i}`))
  const kept = new Map<number, Uint8Array[]>()
  const frontier = new Frontier()
  for (const entry of entries) {
    frontier.append(leafHash(entry), (level, index, hash) => {
      const row = kept.get(level) ?? []
      assert.equal(row.length, index)
      row.push(hash)
      kept.set(level, row)
    })
  }
  const hashesAt: HashesAt = async (level, from, limit) => {
    assert.equal(level % 8, 0, 'only the levels that the store keeps')
    return (kept.get(level) ?? []).slice(from, from + limit)
  }
  return { entries, frontier, hashesAt }
}

test('the root of the first n reference leaves is the published one', () => {
  const frontier = new Frontier()
  assert.equal(hex(frontier.root()), roots[0])
  for (const [i, leaf] of leaves.entries()) {
    frontier.append(leafHash(leaf))
    assert.equal(hex(frontier.root()), roots[i + 1])
  }
})

test('the reference proofs come out as published', async () => {
  const hashesAt: HashesAt = async (_, from, limit) => leaves.slice(from, from + limit).map(leafHash)
  const path = (await inclusionProof(hashesAt, 5, 8)).map((each) => hex(each).slice(0, 8))
  assert.deepEqual(path, ['bc1a0643', 'ca854ea1', 'd37ee418'])
  const proof = (await consistencyProof(hashesAt, 6, 8)).map((each) => hex(each).slice(0, 8))
  assert.deepEqual(proof, ['0ebc5d34', 'ca854ea1', 'd37ee418'])
})

test('a frontier that was written down grows on as if it had not been', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 600 }), (first, more) => {
      const whole = grow(first + more)
      const part = grow(first).frontier
      const again = Frontier.decode(part.size, part.encode())
      for (const entry of whole.entries.slice(first)) again.append(leafHash(entry))
      assert.equal(hex(again.root()), hex(whole.frontier.root()))
      assert.equal(hex(again.root()), hex(plainRoot(whole.entries)))
    }),
    { numRuns: 30 },
  )
})

test('every proof from 256-wide tiles verifies, across tile borders too', async () => {
  const { entries, hashesAt } = grow(70_000)
  const head = async (size: number) => ({ size, root: await rootAt(hashesAt, size) })
  assert.equal(hex((await head(1000)).root), hex(plainRoot(entries.slice(0, 1000))))
  const size = fc.oneof(
    fc.constantFrom(1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000),
    fc.integer({ min: 1, max: 70_000 }),
  )
  await fc.assert(
    fc.asyncProperty(size, size, fc.nat(), async (one, other, pick) => {
      const first = await head(Math.min(one, other))
      const second = await head(Math.max(one, other))
      const index = pick % second.size
      const leaf = leafHash(entries[index] ?? new Uint8Array())
      const path = await inclusionProof(hashesAt, index, second.size)
      assert.ok(verifyInclusion({ leaf, index, ...second }, path))
      assert.ok(!verifyInclusion({ leaf, index: index + 1, ...second }, path))
      assert.ok(!verifyInclusion({ leaf, index, ...second }, [...path, leaf]))
      const proof = await consistencyProof(hashesAt, first.size, second.size)
      assert.ok(verifyConsistency(first, second, proof))
      assert.ok(!verifyConsistency(first, second, [...proof, leaf]))
      assert.ok(first.size === second.size || !verifyConsistency(first, { ...second, root: leaf }, proof))
      assert.ok(!verifyConsistency({ ...first, root: leafHash(leaf) }, second, proof))
    }),
    { numRuns: 200 },
  )
})

test('one changed bit anywhere in a proof is refused', async () => {
  const { entries, hashesAt } = grow(300)
  const root = await rootAt(hashesAt, 300)
  const older = { size: 77, root: await rootAt(hashesAt, 77) }
  const path = await inclusionProof(hashesAt, 123, 300)
  const proof = await consistencyProof(hashesAt, 77, 300)
  const flip = (proofs: readonly Uint8Array[], at: number) =>
    proofs.map((each, i) => (i === at ? each.map((byte, k) => (k === 31 ? byte ^ 1 : byte)) : each))
  const leaf = leafHash(entries[123] ?? new Uint8Array())
  for (let i = 0; i < path.length; i++)
    assert.ok(!verifyInclusion({ leaf, index: 123, size: 300, root }, flip(path, i)))
  for (let i = 0; i < proof.length; i++)
    assert.ok(!verifyConsistency(older, { size: 300, root }, flip(proof, i)))
  assert.ok(!verifyConsistency(older, { size: 300, root }, []))
  assert.ok(!verifyInclusion({ leaf, index: 300, size: 300, root }, path))
})

test('nothing precedes everything, and a tree is consistent with itself only by the same root', () => {
  const root = leafHash(bytes('00'))
  assert.ok(verifyConsistency({ size: 0, root: emptyRoot }, { size: 1, root }, []))
  assert.ok(!verifyConsistency({ size: 0, root: emptyRoot }, { size: 1, root }, [root]))
  assert.ok(!verifyConsistency({ size: 1, root: emptyRoot }, { size: 1, root }, []))
  assert.ok(!verifyConsistency({ size: 2, root }, { size: 1, root }, []))
})

test('a proof says exactly one index and size', () => {
  const leaf = leafHash(bytes('00'))
  assert.ok(verifyInclusion({ leaf, index: 0, size: 1, root: leaf }, []))
  assert.ok(!verifyInclusion({ leaf, index: 1, size: 1, root: leaf }, []))
  assert.ok(!verifyInclusion({ leaf, index: 0, size: 2, root: leaf }, []))
  assert.ok(!verifyInclusion({ leaf, index: 0, size: 0, root: leaf }, []))
  assert.ok(!verifyInclusion({ leaf, index: -1, size: 1, root: leaf }, []))
})

test('hashes of another length are refused and never shift the border between two nodes', () => {
  assert.throws(() => nodeHash(new Uint8Array(31), new Uint8Array(33)), RangeError)
  assert.throws(() => new Frontier(3, [leafHash(bytes(''))]), RangeError)
  const root = leafHash(bytes(''))
  assert.ok(!verifyInclusion({ leaf: root, index: 0, size: 2, root }, [new Uint8Array(31)]))
})

test('sizes beyond 32 bits keep their places', () => {
  const node = leafHash(bytes('00'))
  const frontier = new Frontier(2 ** 40, [node])
  const seen: number[] = []
  frontier.append(node, (_, index) => seen.push(index))
  frontier.append(node, (_, index) => seen.push(index))
  assert.deepEqual(seen, [2 ** 40, 2 ** 40 + 1, 2 ** 39])
  assert.equal(frontier.size, 2 ** 40 + 2)
})
