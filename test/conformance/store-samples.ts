import type { Lease } from '@mayfly/broker/domain'
import {
  type Change,
  Conflict,
  type ConflictKind,
  type KeyRecord,
  type Store,
} from '@mayfly/broker/store/store'

/** A store to be examined: empty, and the same content again after `reopen`. */
export interface OpenedStore {
  readonly store: Store
  /** Closes the store and opens the same content once more. */
  readonly reopen: () => Promise<Store>
  /** Closes what is open and removes everything. */
  readonly remove: () => Promise<void>
}

export type OpenStore = () => Promise<OpenedStore>

/** Declares one test of the contract on a fresh store. */
export type Check = (title: string, run: (opened: OpenedStore) => Promise<void>) => void

export function sampleLease(id: string, overrides: Partial<Lease> = {}): Lease {
  return {
    id,
    state: 'active',
    target: 'staging',
    kind: 'token',
    issuer: 'github',
    subject: 'repository_id:42',
    grants: ['deploy'],
    scopes: ['write'],
    createdAt: 1_000,
    expiresAt: 2_000,
    handle: new Uint8Array([0, 1, 254, 255]),
    ...overrides,
  }
}

export function sampleKey(generation: number, overrides: Partial<KeyRecord> = {}): KeyRecord {
  return {
    kid: `key-${generation}`,
    purpose: 'token',
    generation,
    algorithm: 'ES256',
    publicJwk: '{"kty":"EC"}',
    sealed: new Uint8Array([9, 0, 9]),
    createdAt: 100 + generation,
    signsFrom: 200 + generation,
    ...overrides,
  }
}

export const spend = (key: string, until = 5_000): Change => ({ kind: 'spend', key, until })
export const append = (text: string): Change => ({ kind: 'append', entry: new TextEncoder().encode(text) })
export const create = (lease: Lease, jobLimit = 100): Change => ({ kind: 'lease.create', lease, jobLimit })
export const revoke = (id: string, endedBy = 'caller'): Change => ({
  kind: 'lease.move',
  id,
  from: ['pending', 'active'],
  to: 'revoked',
  endedAt: 1_500,
  endedBy,
})

/** What became of a commit: `made`, or the kind of its conflict; any other error is thrown. */
export async function outcomeOf(commit: Promise<void>): Promise<'made' | ConflictKind> {
  try {
    await commit
    return 'made'
  } catch (thrown) {
    if (thrown instanceof Conflict) return thrown.kind
    throw thrown
  }
}

/** How often each outcome came. */
export async function tally(commits: readonly Promise<void>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const outcome of await Promise.all(commits.map(outcomeOf)))
    counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

export async function texts(store: Store): Promise<readonly string[]> {
  return (await store.entries(0, 10_000)).map((entry) => new TextDecoder().decode(entry.bytes))
}
