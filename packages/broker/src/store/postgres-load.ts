import type { Client } from 'pg'
import type { LeaseState } from '../domain.ts'
import type { BudgetRow } from './conditions.ts'
import type { JobRow, Loaded } from './postgres-plan.ts'
import type { Step } from './steps.ts'

type Rows = Promise<readonly Record<string, unknown>[]>

/** Reads all that the conditions of a group ask for, in at most six statements sent at once. */
export async function loadWorld(client: Client, group: readonly (readonly Step[])[]): Promise<Loaded> {
  const asked = askedBy(group)
  const read = async (text: string, ...lists: readonly (readonly unknown[])[]): Rows =>
    lists[0]?.length === 0 ? [] : (await client.query<Record<string, unknown>>(text, [...lists])).rows
  const [spent, leases, jobs, switches, budgets, keys] = await Promise.all([
    read('SELECT key FROM mayfly.spent WHERE key = ANY($1::bytea[])', asked.spent),
    read('SELECT id, state FROM mayfly.lease WHERE id = ANY($1::text[])', asked.leases),
    read('SELECT key, issued, ended, until FROM mayfly.job WHERE key = ANY($1::text[])', asked.jobs),
    read('SELECT name FROM mayfly.switch WHERE name = ANY($1::text[])', asked.switches),
    read('SELECT * FROM mayfly.budget WHERE key = ANY($1::text[])', asked.budgets),
    read(
      'SELECT purpose, generation, kid FROM mayfly.key WHERE purpose = ANY($1::text[]) OR kid = ANY($2::text[])',
      asked.purposes,
      asked.kids,
    ),
  ])
  return {
    spent: new Set(spent.map((row) => (row['key'] as Buffer).toString('latin1'))),
    states: new Map(leases.map((row) => [String(row['id']), row['state'] as LeaseState])),
    jobs: new Map(jobs.map((row) => [String(row['key']), jobOf(row)])),
    budgets: new Map(budgets.map((row) => [String(row['key']), budgetOf(row)])),
    off: new Set(switches.map((row) => String(row['name']))),
    keys: keys.map((row) => ({
      purpose: String(row['purpose']),
      generation: Number(row['generation']),
      kid: String(row['kid']),
    })),
  }
}

function budgetOf(row: Record<string, unknown>): BudgetRow {
  const number = (name: string) => Number(row[name])
  return {
    ...{ calls: number('calls'), writes: number('writes'), rows: number('rows'), bytes: number('bytes') },
    ...{ begun: number('begun'), until: number('until') },
  }
}

function jobOf(row: Record<string, unknown>): JobRow {
  return { issued: Number(row['issued']), ended: row['ended'] === true, until: Number(row['until']) }
}

function askedBy(group: readonly (readonly Step[])[]) {
  const asked = {
    spent: [] as Uint8Array[],
    leases: [] as string[],
    jobs: [] as string[],
    switches: [] as string[],
    budgets: [] as string[],
    purposes: [] as string[],
    kids: [] as string[],
  }
  for (const step of group.flat()) {
    if (step.op === 'spend') asked.spent.push(Buffer.from(step.name, 'latin1'))
    if (step.op === 'create') asked.leases.push(step.row.id)
    if (step.op === 'create') asked.switches.push(...step.switches)
    if (step.op === 'create' && step.row.job !== null) asked.jobs.push(step.row.job)
    if (step.op === 'create' && step.row.run !== null) asked.jobs.push(step.row.run)
    if (step.op === 'take') asked.budgets.push(step.key)
    if (step.op === 'move') asked.leases.push(step.id)
    if (step.op === 'end') asked.jobs.push(step.job)
    if (step.op === 'key') asked.purposes.push(step.key.purpose)
    if (step.op === 'key') asked.kids.push(step.key.kid)
  }
  return asked
}
