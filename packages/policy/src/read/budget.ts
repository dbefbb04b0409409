/** budget: `budget: { calls: 100, writes: 10, rows: 10000, bytes: 50MB, minutes: 30 }`. */
import { type Budget, budgetParts } from '../budget.ts'
import type { Faults } from './faults.ts'
import type { TargetKind } from './kinds.ts'
import { fields, mapOf } from './shape.ts'
import type { Entry, Tree } from './tree.ts'

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** `undefined` where there is none, and after a fault. */
export function readBudget(
  entry: Entry | undefined,
  { lists }: TargetKind,
  faults: Faults,
): Budget | undefined {
  if (entry === undefined) return undefined
  const map = mapOf(entry.value, '`budget`', faults)
  if (map === undefined) return undefined
  if (lists === undefined) {
    faults.error(
      'P026',
      entry.place,
      'no route carries requests of this kind of target',
      'leave `budget` out',
    )
    return undefined
  }
  const keys = fields(map, budgetParts, faults)
  const budget: { -readonly [Part in keyof Budget]: Budget[Part] } = {}
  for (const part of budgetParts) {
    const said = keys.get(part)
    if (said === undefined) continue
    const amount = amountOf(said.value, part === 'bytes')
    if (amount === undefined)
      faults.error(
        'P026',
        said.value.place,
        `\`${part}\` is a whole number`,
        part === 'bytes' ? 'or 50MB' : undefined,
      )
    else budget[part] = amount
  }
  if (keys.size === 0)
    faults.error('P026', entry.place, `\`budget\` says nothing`, `one of ${budgetParts.join(', ')}`)
  return budget
}

function amountOf(tree: Tree, isSize: boolean): number | undefined {
  if (tree.is !== 'number' && tree.is !== 'text') return undefined
  const [, digits = '', unit = ''] = /^([0-9]{1,15})([A-Za-z]*)$/.exec(tree.text) ?? []
  const factor = unit === '' ? 1 : isSize && Object.hasOwn(units, unit) ? units[unit] : undefined
  const amount = digits === '' || factor === undefined ? Number.NaN : Number(digits) * factor
  return Number.isSafeInteger(amount) ? amount : undefined
}
