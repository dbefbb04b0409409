import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { create, revoke, sampleLease } from '../../../../test/conformance/store-samples.ts'
import { openSqliteStore } from './sqlite.ts'

test('a lease is never remembered beyond a commit, by whichever of two stores it was made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-sqlite-'))
  const path = join(folder, 'mayfly.db')
  const stores = [await openSqliteStore({ path }), await openSqliteStore({ path })] as const
  const [own, other] = stores
  try {
    for (let at = 0; at < 50; at++) {
      const id = `ls_${at}`
      assert.equal(await own.lease(id), undefined)
      await (at % 2 === 0 ? own : other).commit([create(sampleLease(id))])
      // Read twice: the second time it comes from memory.
      for (const store of [...stores, ...stores]) assert.equal((await store.lease(id))?.state, 'active')
      await (at % 3 === 0 ? own : other).commit([revoke(id)])
      for (const store of [...stores, ...stores]) assert.equal((await store.lease(id))?.state, 'revoked')
    }
  } finally {
    await Promise.all(stores.map((store) => store.close()))
    rmSync(folder, { recursive: true })
  }
})

test('more leases than are remembered are all found', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-sqlite-'))
  const store = await openSqliteStore({ path: join(folder, 'mayfly.db') })
  try {
    const ids = Array.from({ length: 5000 }, (_, at) => `ls_${at}`)
    await Promise.all(ids.map((id) => store.commit([create(sampleLease(id))])))
    for (const id of [...ids, ...ids]) assert.equal((await store.lease(id))?.id, id)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
})
