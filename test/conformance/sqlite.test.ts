import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '@mayfly/broker/store/sqlite'
import { storeConformance } from './store.ts'

storeConformance('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-store-'))
  const options = { path: join(folder, 'mayfly.db') }
  let store = await openSqliteStore(options)
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await openSqliteStore(options)
      return store
    },
    remove: async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
})
