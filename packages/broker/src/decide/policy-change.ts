import type { Json } from '../base/canonical-json.ts'

/** What `diffPolicies` finds. Its items are only written down here, so only what orders and counts them has a name. */
export interface FoundDiff {
  readonly gained: readonly { readonly tier: string }[]
  readonly lost: readonly { readonly tier: string }[]
  readonly lifetimes: readonly object[]
  readonly targets: readonly object[]
  readonly guardrails?: readonly object[]
  readonly productionGained: boolean
  /** `false`: it was too much to tell, there may be more. */
  readonly complete: boolean
}

const parts = ['gained', 'lost', 'lifetimes', 'targets', 'guardrails'] as const
type Part = (typeof parts)[number]

/** What a changed policy changes for those who ask, small enough for an entry of the log. */
export interface PolicyChange {
  /** Something with tier production is gained. */
  readonly production: boolean
  /** `false`: there may be more than is counted. */
  readonly complete: boolean
  /** How many there are of each, shown or not. */
  readonly counts: Readonly<Record<Part, number>>
  readonly gained: readonly Json[]
  readonly lost: readonly Json[]
  readonly lifetimes: readonly Json[]
  readonly targets: readonly Json[]
  readonly guardrails: readonly Json[]
  /** Changes that are not shown. */
  readonly more: number
}

/** Changes shown, bytes of all of them; then of each change: letters of a text, items of a list, depth. */
const limits = { changes: 20, bytes: 12_000, text: 200, items: 12, depth: 4 } as const

/** What is gained first, production before the rest: whoever reads only the beginning reads that. */
export function policyChange(diff: FoundDiff): PolicyChange {
  const shown: Record<Part, Json[]> = { gained: [], lost: [], lifetimes: [], targets: [], guardrails: [] }
  let [count, bytes, more] = [0, 0, 0]
  for (const part of parts) {
    for (const change of productionFirst(diff[part] ?? [])) {
      const item = bounded(change, 0)
      const size = Buffer.byteLength(JSON.stringify(item))
      if (count >= limits.changes || bytes + size > limits.bytes) {
        more += 1
        continue
      }
      count += 1
      bytes += size
      shown[part].push(item)
    }
  }
  const counts = {
    gained: diff.gained.length,
    lost: diff.lost.length,
    lifetimes: diff.lifetimes.length,
    targets: diff.targets.length,
    guardrails: diff.guardrails?.length ?? 0,
  }
  return { production: diff.productionGained, complete: diff.complete, counts, ...shown, more }
}

/** One line for people. */
export function changeSummary(change: PolicyChange | undefined): string {
  if (change === undefined) return 'what it changes could not be told'
  const { gained, lost, lifetimes, targets, guardrails } = change.counts
  if (change.complete && gained + lost + lifetimes + targets + guardrails === 0) return 'no change in access'
  const said = [
    count(gained, 'access gained', change.production ? ' (production too)' : ''),
    count(lost, 'access lost'),
    count(lifetimes, 'lifetime changed'),
    count(targets, 'target changed'),
    count(guardrails, 'guardrail changed'),
    change.complete ? '' : 'not all of it could be told',
  ]
  return said.filter((text) => text !== '').join(', ')
}

function count(number: number, what: string, more = ''): string {
  return number === 0 ? '' : `${number} ${what}${more}`
}

function productionFirst(changes: readonly object[]): readonly object[] {
  const rank = (change: object) => ('tier' in change && change.tier === 'production' ? 0 : 1)
  return changes.toSorted((a, b) => rank(a) - rank(b))
}

/** A policy's author chooses names and values: none of them may make an entry large. */
function bounded(value: unknown, depth: number): Json {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return null
  if (isPlace(value)) return cut(`${value.path}:${value.line}:${value.column}`)
  if (depth >= limits.depth) return '[cut: too deep]'
  if (Array.isArray(value)) {
    const items = value.slice(0, limits.items).map((item) => bounded(item, depth + 1))
    return value.length > limits.items ? [...items, `and ${value.length - limits.items} more`] : items
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .slice(0, limits.items)
    .map(([name, member]) => [cut(name), bounded(member, depth + 1)] as const)
  return Object.fromEntries(members)
}

function isPlace(value: object): value is { path: string; line: number; column: number } {
  return 'path' in value && 'line' in value && 'column' in value && typeof value.path === 'string'
}

function cut(text: string): string {
  return text.length > limits.text ? `${text.slice(0, limits.text)}[cut]` : text
}
