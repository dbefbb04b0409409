import assert from 'node:assert/strict'
import { Frontier, leafHash } from '@mayfly/broker/base/merkle'
import { rootAt } from '@mayfly/broker/base/merkle-proof'
import type { Store } from '@mayfly/broker/store/store'
import { append, type Check, outcomeOf, spend, texts } from './store-samples.ts'

/** Entries, the tree over them and its signed head. */
export function logConformance(check: Check): void {
  entryConformance(check)
  treeConformance(check)
}

function entryConformance(check: Check): void {
  check('entries have the order of their commits and no gaps', async ({ store }) => {
    await Promise.all(
      Array.from({ length: 400 }, (_, i) => store.commit([append(`${i} first`), append(`${i} second`)])),
    )
    const entries = await store.entries(0, 1_000)
    assert.deepEqual(
      entries.map((entry) => entry.index),
      Array.from({ length: 800 }, (_, i) => i),
    )
    const found = await texts(store)
    for (let i = 0; i < 800; i += 2) {
      const first = found[i] ?? ''
      assert.match(first, / first$/)
      assert.equal(found[i + 1], first.replace('first', 'second'))
    }
    assert.deepEqual(await store.entries(798, 10), entries.slice(798))
    assert.deepEqual(await store.entries(800, 10), [])
    assert.equal((await store.entries(10, 5)).at(-1)?.index, 14)
  })

  check('an entry is there as soon as its commit resolved', async ({ store }) => {
    for (let i = 0; i < 20; i++) {
      await store.commit([append(`entry ${i}`)])
      assert.equal((await store.head()).size, i + 1)
      assert.equal((await store.entries(i, 1)).length, 1)
    }
  })

  check('bytes of an entry come back as they were', async ({ store }) => {
    const entries = [
      new Uint8Array(),
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new Uint8Array(32_768).fill(7),
    ]
    await store.commit(entries.map((entry) => ({ kind: 'append', entry }) as const))
    const found = await store.entries(0, 10)
    assert.deepEqual(
      found.map((entry) => Buffer.from(entry.bytes).toString('hex')),
      entries.map((entry) => Buffer.from(entry).toString('hex')),
    )
  })
}

function treeConformance(check: Check): void {
  check('the head is the root over all entries, and the kept hashes lead to it', async (opened) => {
    const { store } = opened
    assert.deepEqual(await headOf(store), await recompute(store))
    for (const [round, count] of [1, 254, 1, 1, 255, 200].entries()) {
      await Promise.all(
        Array.from({ length: count }, (_, i) =>
          store.commit([append(`${round} ${i}`), spend(`${round} ${i}`)]),
        ),
      )
      assert.deepEqual(await headOf(store), await recompute(store))
    }
    assert.equal(await outcomeOf(store.commit([append('lost'), spend('0 0')])), 'spent')
    const again = await opened.reopen()
    await again.commit([append('after opening again')])
    assert.deepEqual(await headOf(again), await recompute(again))
  })

  check('hashes are the leaves at level 0 and complete subtrees at level 8 and 16', async ({ store }) => {
    const total = 66_000
    for (let i = 0; i < total; i += 6_000) {
      await store.commit(Array.from({ length: 6_000 }, (_, k) => append(`entry ${i + k}`)))
    }
    assert.equal((await store.hashes(0, 65_990, 100)).length, 10)
    assert.equal((await store.hashes(8, 0, 1_000)).length, 257)
    assert.equal((await store.hashes(8, 250, 3)).length, 3)
    assert.equal((await store.hashes(16, 0, 10)).length, 1)
    assert.equal((await store.hashes(24, 0, 10)).length, 0)
    const root = await rootAt((level, from, limit) => store.hashes(level, from, limit), total)
    assert.equal(hex(root), hex((await store.head()).root))
    const tile = new Frontier()
    for (const hash of await store.hashes(0, 512, 256)) tile.append(hash)
    assert.deepEqual((await store.hashes(8, 2, 1)).map(hex), [hex(tile.root())])
    await assert.rejects(store.hashes(4, 0, 1), RangeError)
  })

  check('the newest signed head is kept, and an older one never replaces it', async (opened) => {
    const { store } = opened
    assert.equal(await store.checkpoint(), undefined)
    await store.commit([{ kind: 'checkpoint', size: 5, note: 'five\n' }])
    await store.commit([{ kind: 'checkpoint', size: 9, note: 'nine\n\n— name sig\n' }])
    await store.commit([{ kind: 'checkpoint', size: 7, note: 'seven\n' }])
    assert.deepEqual({ ...(await store.checkpoint()) }, { size: 9, note: 'nine\n\n— name sig\n' })
    assert.equal((await (await opened.reopen()).checkpoint())?.size, 9)
  })
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

async function headOf(store: Store) {
  const { size, root } = await store.head()
  return { size, root: hex(root) }
}

async function recompute(store: Store) {
  const frontier = new Frontier()
  for (const entry of await store.entries(0, 10_000)) frontier.append(leafHash(entry.bytes))
  const byHashes = await rootAt((level, from, limit) => store.hashes(level, from, limit), frontier.size)
  assert.equal(hex(byHashes), hex(frontier.root()))
  return { size: frontier.size, root: hex(frontier.root()) }
}
