/** Keys in a store of their own, as tests of the issue room open them. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { Secret } from '../src/base/secret.ts'
import type { Tools } from '../src/base/tools.ts'
import type { AuditEvent } from '../src/domain.ts'
import { type Keys, openKeys } from '../src/issue/keys.ts'
import { openSeal } from '../src/issue/seal.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import type { Change, Store } from '../src/store/store.ts'

const folder = mkdtempSync(join(tmpdir(), 'keys-'))
const stores: Store[] = []
after(async () => {
  await Promise.all(stores.map((store) => store.close()))
  rmSync(folder, { recursive: true })
})

/** An empty store, closed when the file's tests are over. */
export async function newStore(): Promise<Store> {
  const store = await openSqliteStore({ path: join(folder, `${stores.length}.db`) })
  stores.push(store)
  return store
}

const master = new Secret(randomBytes(32).toString('hex'))
export const seal = openSeal(master, { randomBytes })
export const hour = 3600
/** Seconds: the longest token, and how long readers keep the keys. */
export const maxToken = 900
export const cache = 300

export const record = (event: AuditEvent): Change => ({
  kind: 'append',
  entry: new TextEncoder().encode(JSON.stringify(event)),
})

/** What the log holds. */
export async function events(store: Store): Promise<Record<string, unknown>[]> {
  const entries = await store.entries(0, 1000)
  return entries.map((entry) => JSON.parse(new TextDecoder().decode(entry.bytes)) as Record<string, unknown>)
}

/** Keys for tokens. */
export function open(
  store: Pick<Store, 'keys' | 'commit'>,
  tools: Tools,
  rotateEverySeconds = 24 * hour,
): Promise<Keys> {
  return openKeys({
    store,
    seal,
    tools,
    record,
    purpose: 'token',
    rotateEverySeconds,
    maxTokenSeconds: maxToken,
    cacheSeconds: cache,
  })
}
