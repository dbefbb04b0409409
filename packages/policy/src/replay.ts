/**
 * replay: decisions that happened, decided again under another policy. It answers the reviewer's question "what would
 * last month have been like": who would newly be refused, who would newly be let in, who would get more or less.
 */
import type { Decision } from './decide.ts'
import { explain } from './explain.ts'
import type { Policy } from './policy.ts'
import { decideAgain, mayLack, type RecordedDecision } from './recorded.ts'

export type ReplayChange =
  | 'refused'
  | 'granted'
  | 'fewer scopes'
  | 'more scopes'
  | 'other scopes'
  | 'shorter'
  | 'longer'
  | 'undecided'

/** Decisions that would change in the same way for the same reason. */
export interface ReplayDifference {
  readonly change: ReplayChange
  readonly target: string
  /** What the log says: grants, or the code of the refusal. */
  readonly before: string
  /** What the policy says. */
  readonly after: string
  readonly count: number
  /** Ids of a few of the entries. */
  readonly entries: readonly string[]
}

export interface Replay {
  readonly decisions: number
  readonly same: number
  readonly differences: readonly ReplayDifference[]
}

const MOST_ENTRIES = 5

/** Decides each again. `recorded` is read once, in order; memory grows with the kinds of differences only. */
export async function replay(
  policy: Policy,
  recorded: AsyncIterable<RecordedDecision> | Iterable<RecordedDecision>,
): Promise<Replay> {
  const found = new Map<string, ReplayDifference>()
  let [decisions, same] = [0, 0]
  for await (const each of recorded) {
    decisions++
    const difference = compare(policy, each)
    if (difference === undefined) {
      same++
      continue
    }
    const key = JSON.stringify(difference)
    const known = found.get(key) ?? { ...difference, count: 0, entries: [] }
    const entries = known.entries.length < MOST_ENTRIES ? [...known.entries, each.id] : known.entries
    found.set(key, { ...known, count: known.count + 1, entries })
  }
  return { decisions, same, differences: [...found.values()].toSorted(mostFirst) }
}

const order: readonly ReplayChange[] = [
  'granted',
  'more scopes',
  'other scopes',
  'longer',
  'refused',
  'fewer scopes',
  'shorter',
  'undecided',
]

function mostFirst(a: ReplayDifference, b: ReplayDifference): number {
  return order.indexOf(a.change) - order.indexOf(b.change) || b.count - a.count
}

type Difference = Omit<ReplayDifference, 'count' | 'entries'>

function compare(policy: Policy, recorded: RecordedDecision): Difference | undefined {
  const now = decideAgain(policy, recorded)
  const change = changeOf(policy, recorded, now)
  if (change === undefined) return undefined
  const { target, outcome } = recorded
  const before = outcome.allowed ? given(outcome) : outcome.code
  return { change, target, before, after: now.allowed ? given(now) : why(policy, recorded, now) }
}

function changeOf(policy: Policy, recorded: RecordedDecision, now: Decision): ReplayChange | undefined {
  const { outcome } = recorded
  if (outcome.allowed !== now.allowed && mayLack(policy, recorded)) return 'undecided'
  if (!outcome.allowed) return now.allowed ? 'granted' : undefined
  if (!now.allowed) return 'refused'
  const lost = outcome.scopes.some((scope) => !now.scopes.includes(scope))
  const won = now.scopes.some((scope) => !outcome.scopes.includes(scope))
  if (lost || won) return lost && won ? 'other scopes' : lost ? 'fewer scopes' : 'more scopes'
  if (now.seconds !== outcome.seconds) return now.seconds < outcome.seconds ? 'shorter' : 'longer'
  return undefined
}

interface Given {
  readonly grants: readonly string[]
  readonly scopes: readonly string[]
  readonly seconds: number
}

function given({ grants, scopes, seconds }: Given): string {
  const what = scopes.length === 0 ? '' : `, ${scopes.join(' ')}`
  return `${grants.join(', ')} (${seconds} s${what})`
}

/** For people who own the policy: nothing is kept from them. */
function why(
  policy: Policy,
  { issuer, target, claims, scopes, act }: RecordedDecision,
  { code, reason }: Extract<Decision, { allowed: false }>,
): string {
  // An explanation speaks of one token.
  if (act !== undefined) return `${code}: ${reason}`
  const asked = { issuer, target, claims, ...(scopes === undefined ? {} : { scopes }) }
  return `${code}: ${explain(policy, asked, 'administrator').summary}`
}
