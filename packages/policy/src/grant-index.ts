/** grant-index: for each issuer and target its entries, deny rules and second locks, and a tree to find entries by. */
import { treeOf } from './entry-tree.ts'
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
import type { IssuerSchema } from './schema/schema.ts'

interface Growing {
  readonly entries: GrantEntry[]
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
    [...issuers].map(({ name, schema }) => {
      const index = new Map<string, Growing>(names.map((target) => [target, nothingYet()]))
      for (const grant of grants) if (grant.issuer === name) addGrant(index, grant)
      for (const deny of denies) {
        if (deny.issuer !== name) continue
        for (const target of deny.targets ?? names) index.get(target)?.denies.push(deny)
      }
      for (const guardrail of guardrails) addGuards(index, guardrail, name)
      return [name, new Map([...index].map(([target, own]) => [target, withTrees(own, schema)]))]
    }),
  )
}

function nothingYet(): Growing {
  return { entries: [], denies: [], guards: [] }
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
    if (place !== undefined) for (const box of grant.boxes) place.entries.push({ grant, gift, box })
  }
}

function withTrees(own: Growing, { parts }: IssuerSchema): TargetIndex {
  const whose = [...parts.identities, ...(parts.workflow?.names ?? [])]
  return { ...own, tree: treeOf(own.entries), byIdentity: treeOf(own.entries, whose) }
}
