/**
 * switches: the kill switch. Off: nothing more is issued for a target, for tokens of an issuer, for jobs of a
 * repository or of whoever started them, and what was issued ends. The store refuses new leases in the very commit that would make them, so it
 * holds for every broker at once. It ends leases through `revoke.ts` alone; the operator's commands call it, and the
 * broker, which finishes what a command left undone.
 */
import type { Tools } from '../base/tools.ts'
import type { AuditEvent, LeaseState, Switch } from '../domain.ts'
import type { Change, LeaseFilter, Store } from '../store/store.ts'
import { inParallel } from './parallel.ts'
import type { Revoke } from './revoke.ts'

export interface SwitchesParts {
  readonly store: Pick<Store, 'commit' | 'leases' | 'switches'>
  readonly revoke: Pick<Revoke, 'endLease'>
  readonly record: (event: AuditEvent) => Change
  readonly tools: Pick<Tools, 'log'>
}

export interface Switches {
  /** From now on nothing is issued; answers with the leases that this call ended. Can be called again. */
  off(what: Switch, reason?: string): Promise<readonly string[]>
  /** Issuing goes on. What ended stays ended. */
  on(what: Switch, reason?: string): Promise<void>
  all(): Promise<readonly Switch[]>
  /** Ends what lives although it was switched off: once for each switch, as long as this process runs. */
  finish(): Promise<void>
}

const alive: readonly LeaseState[] = ['pending', 'active']
const page = 200
const width = 16

/** Builds the room's switchboard. Failures of the store are thrown. */
export function openSwitches(parts: SwitchesParts): Switches {
  const { store, record } = parts
  const finished = new Set<string>()
  const turned = (type: 'switch.off' | 'switch.on', what: Switch, reason: string | undefined): Change[] => [
    { kind: 'switch', switch: what, off: type === 'switch.off' },
    record({ type, ...what, ...(reason === undefined ? {} : { reason }) }),
  ]
  return {
    async off(what, reason) {
      await store.commit(turned('switch.off', what, reason))
      return await endAll(parts, what)
    },
    async on(what, reason) {
      await store.commit(turned('switch.on', what, reason))
    },
    all: () => store.switches(),
    async finish() {
      const off = await store.switches()
      const names = new Set(off.map(nameOf))
      for (const name of finished) if (!names.has(name)) finished.delete(name)
      for (const what of off) {
        if (finished.has(nameOf(what))) continue
        await endAll(parts, what)
        finished.add(nameOf(what))
      }
    },
  }
}

function nameOf({ of, name }: Switch): string {
  return JSON.stringify([of, name])
}

function filterOf({ of, name }: Switch): Pick<LeaseFilter, 'target' | 'issuer' | 'repository' | 'actor'> {
  if (of === 'target') return { target: name }
  if (of === 'actor') return { actor: name }
  return of === 'issuer' ? { issuer: name } : { repository: name }
}

/** One walk is enough: nothing new can come any more. */
async function endAll({ store, revoke, tools }: SwitchesParts, what: Switch): Promise<readonly string[]> {
  const ended: string[] = []
  for (let after: string | undefined; ; ) {
    const filter = { states: alive, ...filterOf(what), limit: page }
    const leases = await store.leases({ ...filter, ...(after === undefined ? {} : { after }) })
    await inParallel(leases, width, async (lease) => {
      if ((await revoke.endLease(lease, 'switch')) === 'ended') ended.push(lease.id)
    })
    after = leases.at(-1)?.id
    if (leases.length < page || after === undefined) break
  }
  if (ended.length > 0) tools.log.info('leases ended by a switch', { ...what, leases: ended.length })
  return ended.toSorted()
}
