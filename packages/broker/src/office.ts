/**
 * office: where the operator works, as the doorway is where jobs come: beside a running broker or without one, it looks
 * at leases and keys, ends leases, rotates keys, keeps static secrets, exports the log. It stands on the same `core.ts` as the server, so the
 * rules are the same and everything it changes is in the log. It listens on nothing and never gives a credential. The
 * commands of `packages/cli` open it through `main.ts`; the server never does.
 */

import { readCheckpoint } from './audit/checkpoint.ts'
import { exportJsonl } from './audit/export/jsonl.ts'
import { openLog } from './audit/log.ts'
import type { Tools } from './base/tools.ts'
import type { Config } from './config/config.ts'
import { openCore, originOf } from './core.ts'
import { openPolicy, PolicyFault, type PolicyInForce, type PolicySources } from './decide/policies.ts'
import type { Job, Lease, Switch } from './domain.ts'
import type { ListedKey } from './issue/keys.ts'
import { type OfficeSecrets, openOfficeSecrets } from './office-secrets.ts'
import type { LeaseFilter, Store } from './store/store.ts'

/** A lease as an operator sees it: without its handle. */
export type ListedLease = Omit<Lease, 'handle'>

export interface Office {
  leases(filter: LeaseFilter): Promise<readonly ListedLease[]>
  /** Ends every pending and active lease that fits. Answers with those that this call ended. */
  endLeases(
    filter: Omit<LeaseFilter, 'limit' | 'after'> | { readonly id: string },
  ): Promise<readonly string[]>
  /** Switches off: nothing more is issued for it, and what was ends. Answers with the leases that this call ended. */
  switchOff(what: Switch, reason?: string): Promise<readonly string[]>
  switchOn(what: Switch, reason?: string): Promise<void>
  /** Ends a job for good: it gets nothing any more. Answers how many leases this call ended. */
  endJob(job: Job): Promise<number>
  switches(): Promise<readonly Switch[]>
  /** Whether the policy has such a target; `true` when there is no policy to look into. */
  knowsTarget(name: string): boolean
  keys(): readonly ListedKey[]
  rotate(): Promise<{ readonly kid: string; readonly signsFrom: number }>
  readonly secrets: OfficeSecrets
  /** Writes the whole log under a fresh signed head, one line with its end at a time. */
  exportLog(
    write: (line: string) => Promise<void>,
  ): Promise<{ readonly entries: number; readonly logKey: string }>
  /** The text of the entry that an answer named (`error_id`); `undefined` when there is none. */
  entry(id: string): Promise<string | undefined>
  /** What the log holds of the exchange that gave this lease; `undefined` when there is none. */
  issued(lease: string): Promise<string | undefined>
  /** The policy in its folder now. Throws `PolicyFault`; everything else here works without one. */
  policy(): PolicyInForce
  close(): Promise<void>
}

const page = 500

/**
 * Opens the store of a configuration for an operator. Throws as the broker does at its start, but a policy with faults
 * is no hindrance: the broker serves on with the one before, and its leases have to be ended all the same.
 */
export async function openOffice(config: Config, sources: PolicySources, tools: Tools): Promise<Office> {
  const known = usable(sources)
  const core = await openCore(config, known, tools)
  const { store, keys, revoke, logKey } = core
  const log = openLog({ store, signer: logKey, origin: originOf(config.url), tools, intervalMs: 0 })
  return {
    leases: async (filter) => (await store.leases(filter)).map(listed),
    endLeases: async (filter) => {
      const ended: string[] = []
      for await (const lease of wanted(store, filter)) {
        if ((await revoke.endLease(lease, 'operator')) === 'ended') ended.push(lease.id)
      }
      return ended
    },
    switchOff: (what, reason) => core.switches.off(what, reason),
    switchOn: (what, reason) => core.switches.on(what, reason),
    endJob: (job) => core.revoke.endJob(job, 'operator'),
    switches: () => core.switches.all(),
    knowsTarget: (name) => known === undefined || known.policy.targets.has(name),
    keys: () => [...keys.list(), ...(core.federationKeys?.list() ?? [])],
    rotate: async () => {
      await core.federationKeys?.rotate('operator')
      return await keys.rotate('operator')
    },
    secrets: openOfficeSecrets(core),
    exportLog: async (write) => {
      const checkpoint = await log.checkpoint()
      for await (const line of exportJsonl({ store, checkpoint, verifierKey: log.verifierKey }))
        await write(`${line}\n`)
      return { entries: readCheckpoint(checkpoint).size, logKey: log.verifierKey }
    },
    entry: (id) => findEntry(store, id, (entry) => entry.id === id),
    issued: (lease) => findEntry(store, lease, (entry) => decisive.has(entry.type) && entry.lease === lease),
    policy: () => openPolicy(sources),
    close: async () => {
      await log.close()
      await core.close()
    },
  }
}

/** Without one, keys that a rotation retires are published for as long as the longest token could live. */
function usable(sources: PolicySources): PolicyInForce | undefined {
  try {
    return openPolicy(sources)
  } catch (thrown) {
    if (thrown instanceof PolicyFault) return undefined
    throw thrown
  }
}

type Wanted = Omit<LeaseFilter, 'limit' | 'after'> | { readonly id: string }

async function* wanted(store: Store, filter: Wanted): AsyncGenerator<Lease> {
  if ('id' in filter) {
    const lease = await store.lease(filter.id)
    if (lease !== undefined) yield lease
    return
  }
  let after: string | undefined
  for (;;) {
    const found = await store.leases({
      states: ['pending', 'active'],
      ...filter,
      ...(after === undefined ? {} : { after }),
      limit: page,
    })
    yield* found
    after = found.at(-1)?.id
    if (after === undefined) return
  }
}

function listed({ handle: _, ...lease }: Lease): ListedLease {
  return lease
}

interface Found {
  readonly id?: unknown
  readonly lease?: unknown
  readonly type?: unknown
}

/** Entries of one of these types hold a decision that gave a lease. */
const decisive: ReadonlySet<unknown> = new Set(['credential.issued', 'credential.pending'])

/** From the newest backwards: people ask about what just happened. `name` stands in the text of what is wanted. */
async function findEntry(
  store: Store,
  name: string,
  wanted: (entry: Found) => boolean,
): Promise<string | undefined> {
  const mark = JSON.stringify(name)
  const { size } = await store.head()
  for (let end = size; end > 0; end -= page) {
    const from = Math.max(0, end - page)
    const texts = (await store.entries(from, end - from)).map((entry) =>
      Buffer.from(entry.bytes).toString('utf8'),
    )
    const found = texts.find((text) => text.includes(mark) && wanted(JSON.parse(text) as Found))
    if (found !== undefined) return found
  }
  return undefined
}
