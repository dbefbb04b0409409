/** grant-index: for each target the entries that a token can match at all, found by its repository, workflow or owner. */
import { listed } from './lang.ts'
import type {
  GrantEntry,
  Guard,
  PolicyDeny,
  PolicyGrant,
  PolicyGuardrail,
  PolicyIssuer,
  PolicyTarget,
  TargetIndex,
} from './policy.ts'

interface Growing {
  readonly byRepository: Map<string, GrantEntry[]>
  readonly byWorkflow: Map<string, GrantEntry[]>
  readonly byOwner: Map<string, GrantEntry[]>
  readonly rest: GrantEntry[]
  readonly denies: PolicyDeny[]
  readonly guards: Guard[]
}

export function indexGrants(
  issuers: Iterable<PolicyIssuer>,
  targets: Iterable<PolicyTarget>,
  grants: readonly PolicyGrant[],
  denies: readonly PolicyDeny[],
  guardrails: readonly PolicyGuardrail[],
): ReadonlyMap<string, ReadonlyMap<string, TargetIndex>> {
  const names = [...targets].map((target) => target.name)
  return new Map(
    [...issuers].map(({ name }) => {
      const index = new Map<string, Growing>(names.map((target) => [target, nothingYet()]))
      for (const grant of grants) if (grant.issuer === name) addGrant(index, grant)
      for (const deny of denies) {
        if (deny.issuer !== name) continue
        for (const target of deny.targets ?? names) index.get(target)?.denies.push(deny)
      }
      for (const guardrail of guardrails) addGuards(index, guardrail, name)
      return [name, index]
    }),
  )
}

function nothingYet(): Growing {
  return {
    byRepository: new Map(),
    byWorkflow: new Map(),
    byOwner: new Map(),
    rest: [],
    denies: [],
    guards: [],
  }
}

function addGuards(index: ReadonlyMap<string, Growing>, guardrail: PolicyGuardrail, issuer: string): void {
  const { rule, name, get } = guardrail
  if (rule !== 'never' && rule !== 'only') return
  // No conditions for this issuer: `never` means none of its tokens, `only` allows none of them.
  const boxes = guardrail.who.get(issuer) ?? []
  if (rule === 'never' && boxes.length === 0) return
  for (const [target, scopes] of get)
    index.get(target)?.guards.push({ name, never: rule === 'never', boxes, scopes })
}

function addGrant(index: ReadonlyMap<string, Growing>, grant: PolicyGrant): void {
  for (const gift of grant.gifts) {
    const place = index.get(gift.target.name)
    if (place !== undefined) for (const box of grant.boxes) addEntry(place, { grant, gift, box })
  }
}

function addEntry(place: Growing, entry: GrantEntry): void {
  const among = (claim: string): ReadonlySet<string> | undefined => {
    const condition = entry.box.get(claim)
    return condition === undefined ? undefined : listed(condition.lang)
  }
  const buckets = [
    [place.byRepository, among('repository_id')],
    [place.byWorkflow, among('workflow.repo')],
    [place.byOwner, among('repository_owner_id')],
  ] as const
  const found = buckets.find(([, values]) => values !== undefined)
  if (found === undefined) place.rest.push(entry)
  else for (const value of found[1] ?? []) push(found[0], value, entry)
}

function push(bucket: Map<string, GrantEntry[]>, value: string, entry: GrantEntry): void {
  const entries = bucket.get(value)
  if (entries === undefined) bucket.set(value, [entry])
  else entries.push(entry)
}
