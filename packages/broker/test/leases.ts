import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type FakeTools, fakeTools } from '../../../test/fakes/clock.ts'
import { fakeProvider, type Provider } from '../../../test/fakes/provider.ts'
import { encodeEvent } from '../src/audit/events.ts'
import { newId } from '../src/base/id.ts'
import { Secret } from '../src/base/secret.ts'
import type { AuditEvent, Job, Lease } from '../src/domain.ts'
import type { Target } from '../src/issue/target.ts'
import { openRevoke, type Revoke } from '../src/revoke/revoke.ts'
import { openSweep, type Sweep } from '../src/revoke/sweep.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import type { Change, Store } from '../src/store/store.ts'

const folder = mkdtempSync(join(tmpdir(), 'revoke-'))
const stores: Store[] = []
after(async () => {
  await Promise.all(stores.map((store) => store.close()))
  rmSync(folder, { recursive: true })
})

const token: Target = {
  kind: 'token',
  local: true,
  prepare: () => null,
  issue: async () => ({ token: new Secret('t'), issuedTokenType: 'urn:x', tokenType: 'Bearer' }),
}

/** A store with leases, a provider beside it, and the revoke room between them. */
export interface World {
  readonly store: Store
  readonly tools: FakeTools
  readonly provider: Provider
  readonly revoke: Revoke
  readonly sweep: Sweep
  readonly record: (event: AuditEvent) => Change
  readonly target: (kind: string) => Target | undefined
  /** Creates a lease in the store, and what it stands for at the provider. */
  lease(over?: Partial<Lease>): Promise<Lease>
  state(lease: Lease): Promise<string | undefined>
  events(): Promise<AuditEvent[]>
}

/** The job that leases are of when nothing else is said. */
export const job: Job = { issuer: 'github', id: '5551', run: '9001/1' }

/** Opens an empty one; it closes by itself after the file's tests. */
export async function openWorld(): Promise<World> {
  const store = await openSqliteStore({ path: join(folder, `${stores.length}.db`) })
  stores.push(store)
  const tools = fakeTools()
  const provider = fakeProvider()
  const target = (kind: string) => [token, provider.target].find((each) => each.kind === kind)
  const record = (event: AuditEvent): Change => ({ kind: 'append', entry: encodeEvent(event, tools).bytes })
  const openHandle = (lease: Lease) => ({ user: lease.id })
  const revoke = openRevoke({ store, target, openHandle, record, tools })
  // Rounds are asked for one by one; the timer has its own tests.
  const sweep = openSweep({ store, revoke, tools: { ...tools, after: () => () => {} } })
  return {
    ...{ store, tools, provider, revoke, sweep, record, target },
    async lease(over = {}) {
      const now = Math.floor(tools.now() / 1000)
      const lease: Lease = {
        id: newId('ls', tools),
        state: 'active',
        target: 'orders',
        kind: 'token',
        issuer: 'github',
        subject: 's',
        grants: ['g'],
        scopes: [],
        job,
        createdAt: now,
        expiresAt: now + 600,
        handle: new Uint8Array(),
        ...over,
      }
      await store.commit([{ kind: 'lease.create', lease, jobLimit: 10_000 }])
      if (lease.kind === 'database')
        await provider.target.issue({ leaseId: lease.id } as Parameters<Target['issue']>[0], {
          user: lease.id,
        })
      return lease
    },
    state: async (lease) => (await store.lease(lease.id))?.state,
    async events() {
      const entries = await store.entries(0, 10_000)
      return entries.map((entry) => JSON.parse(new TextDecoder().decode(entry.bytes)) as AuditEvent)
    },
  }
}

/** The ends that the log tells of, in order: `revoked by caller`. */
export const endsIn = (events: readonly AuditEvent[]) =>
  events.flatMap((event) => (event.type === 'lease.ended' ? [`${event.state} by ${event.by}`] : []))
