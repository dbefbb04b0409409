/**
 * explain: why a request was refused, and what to change. Off the hot path. A caller learns only of grants that
 * already speak of its own repository and workflow: a stranger cannot map the policy, nor tell a target that exists
 * from one that does not.
 */
import { matches, type TokenClaims } from './box.ts'
import { admit, type Decision, type DecisionRequest, decide, denyFor } from './decide.ts'
import { costOf, type FailingCondition, failingConditions, visibleTo } from './failing.ts'
import { nearest } from './nearest.ts'
import type { GrantEntry, Policy, TargetIndex } from './policy.ts'

export interface Explanation {
  /** One sentence. */
  readonly summary: string
  /** What would have to change for each grant, the least first. Empty when no change of these would help. */
  readonly grants: readonly { readonly grant: string; readonly failing: readonly FailingCondition[] }[]
}

export type Reader = 'caller' | 'administrator'

const SHOWN_TO_CALLER = 3

export function explain(policy: Policy, request: DecisionRequest, reader: Reader): Explanation {
  const decision = decide(policy, request)
  if (decision.allowed) {
    const { grants, target, seconds } = decision
    return { summary: `\`${target.name}\` is granted by ${grants.join(', ')} for ${seconds}s`, grants: [] }
  }
  const admitted = admit(policy, request)
  // About the token alone: it tells nothing of the policy.
  if ('allowed' in admitted || admitted.profile !== undefined) return { summary: decision.reason, grants: [] }
  const { token } = admitted
  const index = policy.index.get(request.issuer)
  const entries = visible(index?.get(request.target), token, reader)
  if (entries.length === 0 && reader === 'caller') {
    return { summary: nothingHere(request.target, index, token, reader), grants: [] }
  }
  if (decision.code === 'unknown_target') {
    return { summary: nothingHere(request.target, index, token, reader), grants: [] }
  }
  if (decision.code !== 'no_grant') return { summary: refusal(decision, entries, token), grants: [] }
  return nearMisses(request.target, entries, token, reader)
}

function visible(index: TargetIndex | undefined, token: TokenClaims, reader: Reader): readonly GrantEntry[] {
  const entries = index === undefined ? [] : allEntries(index)
  return reader === 'administrator' ? entries : entries.filter((entry) => visibleTo(entry.box, token))
}

/** Every entry of a target, each once. */
export function allEntries(index: TargetIndex): readonly GrantEntry[] {
  const buckets = [index.byRepository, index.byWorkflow, index.byOwner]
  return [...new Set([...buckets.flatMap((bucket) => [...bucket.values()].flat()), ...index.rest])]
}

/** The same words whether the target exists or not. */
function nothingHere(
  target: string,
  index: ReadonlyMap<string, TargetIndex> | undefined,
  token: TokenClaims,
  reader: Reader,
): string {
  const known = [...(index ?? [])].filter(
    ([, own]) => reader === 'administrator' || visible(own, token, reader).length > 0,
  )
  const names = nearest(
    target,
    known.map(([name]) => name),
  )
  const who = token.get('repository') ?? 'this token'
  const hint = names.length === 0 ? '' : `; did you mean ${names.join(' or ')}?`
  if (reader === 'administrator') return `there is no target \`${target}\`${hint}`
  return `no grant gives \`${target}\` to ${who}${hint}`
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

function nearMisses(
  target: string,
  entries: readonly GrantEntry[],
  token: TokenClaims,
  reader: Reader,
): Explanation {
  const misses = entries
    .map((entry) => ({ grant: entry.grant.name, failing: failingConditions(entry.box, token) }))
    .toSorted((a, b) => costOf(a.failing) - costOf(b.failing) || (a.grant < b.grant ? -1 : 1))
  const grants = reader === 'caller' ? misses.slice(0, SHOWN_TO_CALLER) : misses
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
  const [first] = nearMisses(request.target, index ? allEntries(index) : [], token, 'administrator').grants
  return (first?.failing ?? []).map(({ claim }) => claim)
}
