/**
 * explain: why a request was refused, and what to change. Off the hot path. A caller learns only of grants that
 * already speak of its own repository and workflow: a stranger cannot map the policy, nor tell a target that exists
 * from one that does not.
 */
import { matches, type TokenClaims } from './box.ts'
import { admit, type Decision, type DecisionRequest, decide, denyFor } from './decide.ts'
import { entriesIn } from './entry-tree.ts'
import { costOf, type FailingCondition, failingConditions, visibleTo } from './failing.ts'
import { nearest } from './nearest.ts'
import type { GrantEntry, Policy } from './policy.ts'
import type { IssuerSchema } from './schema/schema.ts'

export interface Explanation {
  /** One sentence. */
  readonly summary: string
  /** What would have to change for each grant, the least first. Empty when no change of these would help. */
  readonly grants: readonly { readonly grant: string; readonly failing: readonly FailingCondition[] }[]
}

export type Reader = 'caller' | 'administrator'

const SHOWN_TO_CALLER = 3
/** A caller that is refused costs no more than this, however large the policy is. */
const MOST_COMPARED = 1000

export function explain(policy: Policy, request: DecisionRequest, reader: Reader): Explanation {
  const decision = decide(policy, request)
  if (decision.allowed) {
    const { grants, target, seconds } = decision
    return { summary: `\`${target.name}\` is granted by ${grants.join(', ')} for ${seconds}s`, grants: [] }
  }
  const admitted = admit(policy, request)
  // About the token alone: it tells nothing of the policy.
  if ('allowed' in admitted || admitted.profile !== undefined) return { summary: decision.reason, grants: [] }
  const asked = { ...request, policy, token: admitted.token, schema: admitted.schema, reader }
  const entries = visible(asked, request.target)
  if (entries.length === 0 && reader === 'caller') return { summary: nothingHere(asked), grants: [] }
  if (decision.code === 'unknown_target') return { summary: nothingHere(asked), grants: [] }
  if (decision.code !== 'no_grant') return { summary: refusal(decision, entries, asked.token), grants: [] }
  return nearMisses(entries, asked)
}

interface Asked {
  readonly policy: Policy
  readonly issuer: string
  readonly target: string
  readonly token: TokenClaims
  readonly schema: IssuerSchema
  readonly reader: Reader
}

/** What the reader may know of: a caller only what its own repository and workflow would be admitted to. */
function visible({ policy, issuer, token, schema, reader }: Asked, target: string): readonly GrantEntry[] {
  const index = policy.index.get(issuer)?.get(target)
  if (index === undefined) return []
  if (reader === 'administrator') return index.entries
  const near = entriesIn(index.byIdentity, token).slice(0, MOST_COMPARED)
  return near.filter(({ box }) => visibleTo(box, token, schema))
}

/** The same words whether the target exists or not. */
function nothingHere(asked: Asked): string {
  const { policy, issuer, target, token, reader } = asked
  const known = [...(policy.index.get(issuer)?.keys() ?? [])]
  const near = nearest(target, known).filter(
    (name) => reader === 'administrator' || visible(asked, name).length > 0,
  )
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`
  if (reader === 'administrator') return `there is no target \`${target}\`${hint}`
  return `no grant gives \`${target}\` to ${token.get('repository') ?? 'this token'}${hint}`
}

function refusal(
  decision: Extract<Decision, { allowed: false }>,
  entries: readonly GrantEntry[],
  token: TokenClaims,
): string {
  if (decision.code !== 'scope') return decision.reason
  const given = entries.filter((entry) => matches(entry.box, token)).flatMap((entry) => entry.gift.scopes)
  return `${decision.reason}; granted: ${[...new Set(given)].toSorted().join(', ') || 'no scopes'}`
}

function nearMisses(entries: readonly GrantEntry[], { target, token, schema, reader }: Asked): Explanation {
  const ranked = entries
    .map(({ grant, box }) => ({ name: grant.name, box, cost: costOf(box, token, schema) }))
    .toSorted((a, b) => a.cost - b.cost || (a.name < b.name ? -1 : 1))
  const shown = reader === 'caller' ? ranked.slice(0, SHOWN_TO_CALLER) : ranked
  const grants = shown.map(({ name, box }) => ({
    grant: name,
    failing: failingConditions(box, token, schema),
  }))
  const [first] = grants
  if (first === undefined) return { summary: `no grant gives \`${target}\``, grants }
  const said = first.failing.map(
    ({ claim, got, needed }) => `${claim} is ${got ?? 'missing'}, needs ${needed}`,
  )
  return { summary: `${first.grant}: ${said.join('; ')}`, grants }
}

/** The claims that a refusal turned on: what a policy's test names with `because`. */
export function blamedClaims(policy: Policy, request: DecisionRequest): readonly string[] {
  const issuer = policy.issuers.get(request.issuer)
  const intake = issuer?.schema.intake(request.claims, issuer.properties)
  if (intake?.ok === false) return [intake.claim]
  const admitted = admit(policy, request)
  if ('allowed' in admitted) return []
  const { token, profile } = admitted
  if (profile !== undefined) return [...profile.box.keys()]
  const index = policy.index.get(request.issuer)?.get(request.target)
  const denied = index && denyFor(index, token)
  if (denied !== undefined) {
    return denied.boxes.filter((box) => matches(box, token)).flatMap((box) => [...box.keys()])
  }
  const { schema } = admitted
  const asked = { ...request, policy, token, schema, reader: 'administrator' } as const
  const [first] = nearMisses(index?.entries ?? [], asked).grants
  return (first?.failing ?? []).map(({ claim }) => claim)
}
