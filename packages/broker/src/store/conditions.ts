import type { Used } from '../base/budget.ts'
import type { LeaseState } from '../domain.ts'
import type { Step } from './steps.ts'
import type { ConflictKind } from './store.ts'

/** What is known of a job. */
export interface JobCount {
  readonly issued: number
  readonly ended: boolean
}

/** What is used of a budget. */
export interface BudgetRow extends Used {
  /** Of the first use. */
  readonly begun: number
  readonly until: number
}

/** The state that a commit meets: everything that was committed before it. */
export interface World {
  isSpent(name: string): boolean
  leaseState(id: string): LeaseState | undefined
  job(key: string): JobCount | undefined
  isOff(name: string): boolean
  budget(key: string): BudgetRow | undefined
  /** Whether this purpose has this generation, or any key has this id. */
  hasKey(purpose: string, generation: number, kid: string): boolean
}

/** What earlier steps of the same commit would have changed. */
interface Ahead {
  readonly spent: Set<string>
  readonly states: Map<string, LeaseState>
  readonly jobs: Map<string, JobCount>
  readonly switches: Map<string, boolean>
  readonly budgets: Map<string, BudgetRow>
  readonly keys: Set<string>
}

/**
 * Whether one commit can be made in this world: all of its conditions, before anything of it is written, in the
 * order of its steps. Both adapters ask here, so that they cannot differ. `exists`: a lease's id is taken, which
 * no honest caller can cause.
 */
export function conflictOf(steps: readonly Step[], world: World): ConflictKind | 'exists' | undefined {
  const ahead = areApart(steps) ? undefined : nothingAhead()
  for (const step of steps) {
    const conflict = meet(step, world, ahead)
    if (conflict !== undefined) return conflict
  }
  return undefined
}

/**
 * Whether no step of a commit can change what another one meets: at most one spent token, and one other step that has a
 * condition. Exchanges are so, and need not be remembered step by step.
 */
function areApart(steps: readonly Step[]): boolean {
  let spends = 0
  let others = 0
  for (const { op } of steps) {
    if (op === 'spend') spends += 1
    else if (op !== 'append') others += 1
  }
  return spends <= 1 && others <= 1
}

function nothingAhead(): Ahead {
  return {
    ...{ spent: new Set<string>(), states: new Map(), jobs: new Map() },
    ...{ switches: new Map(), budgets: new Map(), keys: new Set<string>() },
  }
}

function meet(step: Step, world: World, ahead: Ahead | undefined): ConflictKind | 'exists' | undefined {
  switch (step.op) {
    case 'spend': {
      if (ahead?.spent.has(step.name) === true || world.isSpent(step.name)) return 'spent'
      ahead?.spent.add(step.name)
      return undefined
    }
    case 'create':
      return meetCreate(step, world, ahead)
    case 'move': {
      const state = ahead?.states.get(step.id) ?? world.leaseState(step.id)
      if (state === undefined || !step.from.includes(state)) return 'lease_state'
      ahead?.states.set(step.id, step.to)
      return undefined
    }
    case 'end': {
      const issued = (ahead?.jobs.get(step.job) ?? world.job(step.job))?.issued ?? 0
      ahead?.jobs.set(step.job, { issued, ended: true })
      return undefined
    }
    case 'take': {
      const row = taken(step, ahead?.budgets.get(step.key) ?? world.budget(step.key))
      ahead?.budgets.set(step.key, row)
      return spentOf(step, row)
    }
    case 'switch':
      ahead?.switches.set(step.name, step.off)
      return undefined
    case 'key': {
      const { purpose, generation, kid } = step.key
      const names = [JSON.stringify([purpose, generation]), JSON.stringify([kid])]
      if (names.some((name) => ahead?.keys.has(name) === true) || world.hasKey(purpose, generation, kid))
        return 'key_exists'
      for (const name of names) ahead?.keys.add(name)
      return undefined
    }
    default:
      return undefined
  }
}

type Take = Extract<Step, { op: 'take' }>

/** What is used once a step is done. */
export function taken({ take, at, until }: Take, before: BudgetRow | undefined): BudgetRow {
  return {
    calls: (before?.calls ?? 0) + take.calls,
    writes: (before?.writes ?? 0) + take.writes,
    rows: (before?.rows ?? 0) + take.rows,
    bytes: (before?.bytes ?? 0) + take.bytes,
    begun: before?.begun ?? at,
    until: Math.max(before?.until ?? 0, until),
  }
}

/** Which part of a budget a step would overdraw. */
function spentOf({ budget, at }: Take, after: BudgetRow): ConflictKind | undefined {
  const { minutes } = budget
  if (minutes !== undefined && at - after.begun >= minutes * 60) return 'minutes_spent'
  for (const part of ['calls', 'writes', 'rows', 'bytes'] as const) {
    const most = budget[part]
    if (most !== undefined && after[part] > most) return `${part}_spent`
  }
  return undefined
}

function meetCreate(
  step: Extract<Step, { op: 'create' }>,
  world: World,
  ahead: Ahead | undefined,
): ConflictKind | 'exists' | undefined {
  const { row, jobLimit } = step
  if (step.switches.some((name) => ahead?.switches.get(name) ?? world.isOff(name))) return 'switched_off'
  if (row.job !== null) {
    const find = (key: string) => ahead?.jobs.get(key) ?? world.job(key)
    const job = find(row.job)
    if (job?.ended === true || (row.run !== null && find(row.run)?.ended === true)) return 'job_ended'
    const issued = job?.issued ?? 0
    if (issued >= jobLimit) return 'job_limit'
    ahead?.jobs.set(row.job, { issued: issued + 1, ended: false })
  }
  if ((ahead?.states.get(row.id) ?? world.leaseState(row.id)) !== undefined) return 'exists'
  ahead?.states.set(row.id, row.state)
  return undefined
}
