/** Fills a store through its own interface, so that growth can be measured on what really was written. */
import { randomBytes } from 'node:crypto'
import { openSqliteStore } from '@mayfly/broker/store/sqlite'
import type { Change } from '@mayfly/broker/store/store'

/**
 * Writes `leases` active leases, given by `policy` as leases name it, and at least `entries` log entries. Takes about 20 s
 * for a million.
 */
export async function prefill(path: string, leases: number, entries: number, policy: string): Promise<void> {
  const store = await openSqliteStore({ path })
  const now = Math.floor(Date.now() / 1000)
  const most = Math.max(leases, entries)
  for (let from = 0; from < most; from += 4096) {
    const commits: Promise<void>[] = []
    for (let i = from; i < Math.min(from + 4096, most); i += 64) {
      const changes: Change[] = []
      for (let k = i; k < Math.min(i + 64, most); k++) {
        if (k < leases) changes.push(lease(k, now, policy))
        if (k < entries)
          changes.push({ kind: 'append', entry: Buffer.from(`{"filler":${k},"pad":"${'x'.repeat(600)}"}`) })
      }
      commits.push(store.commit(changes))
    }
    await Promise.all(commits)
    if (process.stderr.isTTY)
      process.stderr.write(`\rfilling the store: ${Math.round((100 * from) / most)} %  `)
  }
  await store.close()
}

function lease(k: number, now: number, policy: string): Change {
  const id = `ls_0000000000${String(k).padStart(16, '0')}`
  return {
    kind: 'lease.create',
    jobLimit: 32,
    lease: {
      id,
      state: 'active',
      target: 'orders-api',
      kind: 'token',
      issuer: 'github',
      subject: `repo:acme/r${k % 300}:environment:production`,
      grants: ['shop'],
      scopes: ['orders:read'],
      job: { issuer: 'github', id: String(1_000_000 + k), run: `${500_000 + k}/1` },
      terms: { policy, settings: '' },
      createdAt: now,
      expiresAt: now + 86_400,
      handle: randomBytes(48),
    },
  }
}
