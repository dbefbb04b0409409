/** used: what of a policy recorded decisions made use of: grants, scopes, and the values that patterns met. */
import { matches, type TokenClaims } from './box.ts'
import { admit, decide } from './decide.ts'
import { entriesIn } from './entry-tree.ts'
import type { Gift, GrantEntry, Policy } from './policy.ts'
import type { RecordedDecision } from './recorded.ts'

/** Values that one pattern of the policy met, by the place where it stands. */
export interface MetPattern {
  readonly claim: string
  readonly values: ReadonlyMap<string, number>
  /** A token without the claim matched too. */
  readonly missing: boolean
}

export interface Used {
  /** Decisions that the policy would allow again. */
  readonly decisions: number
  /** Uses by the grant's name. */
  readonly grants: ReadonlyMap<string, number>
  /** Scopes that were given through each entry of a grant's `get`. */
  readonly scopes: ReadonlyMap<Gift, ReadonlySet<string>>
  /** By `path:line:column` of the pattern. */
  readonly patterns: ReadonlyMap<string, MetPattern>
}

interface Growing extends Used {
  decisions: number
  readonly grants: Map<string, number>
  readonly scopes: Map<Gift, Set<string>>
  readonly patterns: Map<string, { claim: string; values: Map<string, number>; missing: boolean }>
}

export async function gatherUse(
  policy: Policy,
  recorded: AsyncIterable<RecordedDecision> | Iterable<RecordedDecision>,
): Promise<Used> {
  const used: Growing = { decisions: 0, grants: new Map(), scopes: new Map(), patterns: new Map() }
  for await (const each of recorded) {
    if (!each.outcome.allowed) continue
    const { issuer, target, claims, scopes } = each
    const request = { issuer, target, claims, ...(scopes === undefined ? {} : { scopes }) }
    const decision = decide(policy, request)
    const admitted = admit(policy, request)
    const index = policy.index.get(issuer)?.get(target)
    if (!decision.allowed || 'allowed' in admitted || index === undefined) continue
    used.decisions++
    const entries = entriesIn(index.tree, admitted.token).filter(({ box }) => matches(box, admitted.token))
    for (const grant of new Set(entries.map((entry) => entry.grant.name))) {
      used.grants.set(grant, (used.grants.get(grant) ?? 0) + 1)
    }
    for (const entry of entries) note(entry, admitted.token, decision.scopes, used)
  }
  return used
}

function note(entry: GrantEntry, token: TokenClaims, scopes: readonly string[], used: Growing): void {
  const { gift, box } = entry
  const known = used.scopes.get(gift) ?? new Set()
  for (const scope of scopes) if (gift.scopes.includes(scope)) known.add(scope)
  used.scopes.set(gift, known)
  for (const { claim, sayings } of box.values()) {
    for (const { operator, place } of sayings) {
      if (operator !== 'like') continue
      const key = placeKey(place)
      const met = used.patterns.get(key) ?? { claim, values: new Map<string, number>(), missing: false }
      const value = token.get(claim)
      if (value === undefined) met.missing = true
      else met.values.set(value, (met.values.get(value) ?? 0) + 1)
      used.patterns.set(key, met)
    }
  }
}

export function placeKey({ path, line, column }: { path: string; line: number; column: number }): string {
  return `${path}:${line}:${column}`
}
