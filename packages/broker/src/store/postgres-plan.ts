import { type Frontier, leafHash } from '../base/merkle.ts'
import type { LeaseState } from '../domain.ts'
import { type BudgetRow, conflictOf, taken, type World } from './conditions.ts'
import type { Outcome } from './group.ts'
import type { LeaseRow, SecretStep, Step } from './steps.ts'
import type { KeyRecord } from './store.ts'

export interface JobRow {
  readonly issued: number
  readonly ended: boolean
  readonly until: number
}

type Move = Extract<Step, { op: 'move' }>

/** What the database holds of all that a group's conditions ask for. */
export interface Loaded {
  readonly spent: Set<string>
  readonly states: Map<string, LeaseState>
  readonly jobs: Map<string, JobRow>
  readonly off: Set<string>
  readonly budgets: Map<string, BudgetRow>
  readonly keys: readonly { readonly purpose: string; readonly generation: number; readonly kid: string }[]
}

/** All that a group writes, as rows for a few statements. */
export interface Writes {
  readonly spends: { readonly key: Uint8Array; readonly until: number }[]
  readonly leases: Map<string, LeaseRow>
  readonly moves: Map<string, Pick<Move, 'to' | 'endedAt' | 'endedBy' | 'handle'>>
  readonly jobs: Map<string, JobRow>
  /** By name: whether it is off from now on. */
  readonly switches: Map<string, boolean>
  readonly budgets: Map<string, BudgetRow>
  readonly keys: KeyRecord[]
  readonly retirements: Extract<Step, { op: 'retire' }>[]
  readonly entries: { readonly index: number; readonly leaf: Uint8Array; readonly bytes: Uint8Array }[]
  readonly hashes: { readonly level: number; readonly index: number; readonly hash: Uint8Array }[]
  readonly checkpoints: Extract<Step, { op: 'checkpoint' }>[]
  /** In their order: a use after a put counts. */
  readonly secrets: SecretStep[]
}

export interface Plan {
  readonly outcomes: readonly Outcome[]
  readonly writes: Writes
}

/**
 * Decides each commit of a group in order, on what the database holds plus what the commits before it will write.
 * Pure but for `loaded` and `frontier`, which it moves on; the tree's lock keeps `loaded` true meanwhile.
 */
export function planGroup(group: readonly (readonly Step[])[], loaded: Loaded, frontier: Frontier): Plan {
  const writes: Writes = {
    spends: [],
    leases: new Map(),
    moves: new Map(),
    jobs: new Map(),
    switches: new Map(),
    budgets: new Map(),
    keys: [],
    retirements: [],
    entries: [],
    hashes: [],
    checkpoints: [],
    secrets: [],
  }
  const keyNames = new Set(loaded.keys.flatMap((key) => namesOf(key.purpose, key.generation, key.kid)))
  const world: World = {
    isSpent: (name) => loaded.spent.has(name),
    leaseState: (id) => loaded.states.get(id),
    job: (key) => loaded.jobs.get(key),
    isOff: (name) => loaded.off.has(name),
    budget: (key) => loaded.budgets.get(key),
    hasKey: (purpose, generation, kid) =>
      namesOf(purpose, generation, kid).some((name) => keyNames.has(name)),
  }
  const outcomes = group.map((steps) => {
    const conflict = conflictOf(steps, world)
    if (conflict !== undefined) return conflict
    for (const step of steps) {
      plan(step, loaded, writes, frontier)
      if (step.op === 'key')
        for (const name of namesOf(step.key.purpose, step.key.generation, step.key.kid)) keyNames.add(name)
    }
    return undefined
  })
  return { outcomes, writes }
}

function plan(step: Step, loaded: Loaded, writes: Writes, frontier: Frontier): void {
  switch (step.op) {
    case 'spend':
      loaded.spent.add(step.name)
      writes.spends.push({ key: Buffer.from(step.name, 'latin1'), until: step.until })
      return
    case 'create':
      loaded.states.set(step.row.id, step.row.state)
      writes.leases.set(step.row.id, step.row)
      if (step.row.job !== null) countJob(step.row.job, step.jobUntil, loaded, writes)
      return
    case 'move':
      loaded.states.set(step.id, step.to)
      planMove(step, writes)
      return
    case 'end':
      endJob(step, loaded, writes)
      return
    case 'switch':
      loaded.off[step.off ? 'add' : 'delete'](step.name)
      writes.switches.set(step.name, step.off)
      return
    case 'take': {
      const row = taken(step, loaded.budgets.get(step.key))
      loaded.budgets.set(step.key, row)
      writes.budgets.set(step.key, row)
      return
    }
    case 'key':
      writes.keys.push(step.key)
      return
    case 'retire':
      writes.retirements.push(step)
      return
    case 'append':
      planEntry(step.entry, writes, frontier)
      return
    case 'checkpoint':
      writes.checkpoints.push(step)
      return
    default:
      planSecret(step, writes.secrets)
  }
}

/** Uses of one secret that follow each other are one statement. */
function planSecret(step: SecretStep, secrets: SecretStep[]): void {
  const before = secrets.at(-1)
  if (step.op !== 'use' || before?.op !== 'use' || before.name !== step.name) {
    secrets.push(step)
    return
  }
  const at = Math.max(before.at, step.at)
  secrets[secrets.length - 1] = { ...step, at, times: before.times + step.times }
}

function planMove(step: Move, writes: Writes): void {
  const created = writes.leases.get(step.id)
  const before = created ?? writes.moves.get(step.id)
  const endedAt = step.endedAt ?? before?.endedAt ?? null
  const endedBy = step.endedBy ?? before?.endedBy ?? null
  if (created === undefined) {
    const handle = step.handle ?? writes.moves.get(step.id)?.handle ?? null
    writes.moves.set(step.id, { to: step.to, endedAt, endedBy, handle })
    return
  }
  const handle = step.handle ?? created.handle
  writes.leases.set(step.id, { ...created, state: step.to, endedAt, endedBy, handle })
}

function countJob(key: string, jobUntil: number, loaded: Loaded, writes: Writes): void {
  const job = loaded.jobs.get(key)
  const until = Math.max(job?.until ?? 0, jobUntil)
  setJob(key, { issued: (job?.issued ?? 0) + 1, ended: false, until }, loaded, writes)
}

function endJob(step: Extract<Step, { op: 'end' }>, loaded: Loaded, writes: Writes): void {
  const job = loaded.jobs.get(step.job)
  const until = job?.ended === true ? Math.max(job.until, step.until) : step.until
  setJob(step.job, { issued: job?.issued ?? 0, ended: true, until }, loaded, writes)
}

function setJob(key: string, row: JobRow, loaded: Loaded, writes: Writes): void {
  loaded.jobs.set(key, row)
  writes.jobs.set(key, row)
}

function planEntry(bytes: Uint8Array, writes: Writes, frontier: Frontier): void {
  const leaf = leafHash(bytes)
  writes.entries.push({ index: frontier.size, leaf, bytes })
  frontier.append(leaf, (level, index, hash) => {
    if (level > 0 && level % 8 === 0) writes.hashes.push({ level, index, hash })
  })
}

function namesOf(purpose: string, generation: number, kid: string): readonly string[] {
  return [JSON.stringify([purpose, generation]), JSON.stringify([kid])]
}
