/** diff-compared: two policies as one target sees them, and a token asked of both. */
import type { Box, TokenClaims } from './box.ts'
import type { AccessChange, LifetimeChange } from './changes.ts'
import { shownClaims } from './counterexample.ts'
import { type Decision, decideByRules } from './decide.ts'
import type { GivingBox } from './giving.ts'
import type { Policy, PolicyDeny, PolicyIssuer, PolicyTarget } from './policy.ts'
import type { Place } from './problem.ts'
import { claimIn } from './schema/list-claims.ts'
import { findOutside, type Region } from './search.ts'

/** The direction is in the words only: what is lost is what the old policy gives and the new one does not. */
export type Direction = 'gained' | 'lost'

export interface Growing {
  readonly access: AccessChange[]
  /** Those that have it in both policies, and longer here. */
  readonly longer: LifetimeChange[]
  complete: boolean
}

export interface Comparing {
  readonly there: Policy
  readonly here: Policy
  readonly direction: Direction
  /** Boxes of the same issuer and target in the other policy that can meet a box of ours. */
  readonly theirs: (ours: GivingBox) => Iterable<GivingBox>
  /** Real tokens that `here` refuses by a deny rule, and tokens that no issuer makes. */
  readonly refused: readonly Box[]
  readonly found: Growing
}

export interface FoundToken {
  readonly token: TokenClaims
  readonly region: Region
  readonly scopes: readonly string[]
}

/** The rule that makes a change so. */
export interface Cause {
  readonly cause: string
  readonly place: Place
  readonly placeIn: 'before' | 'after'
}

/** A token of the region that no cover matches. Giving up is remembered: the answer is then not complete. */
export function search(
  { found }: Comparing,
  region: Region,
  covers: readonly Box[],
  issuer: PolicyIssuer,
): { readonly token: TokenClaims; readonly region: Region } | undefined {
  const result = findOutside(region, covers, issuer)
  if (result.is === 'unknown') found.complete = false
  return result.is === 'token' ? result : undefined
}

/** Searches scope by scope; scopes for which the same token is found are said together. */
export function scopeByScope(
  { scopes }: GivingBox,
  find: (scope: string | undefined) => Omit<FoundToken, 'scopes'> | undefined,
): readonly FoundToken[] {
  const byToken = new Map<string, Omit<FoundToken, 'scopes'> & { readonly scopes: string[] }>()
  for (const scope of scopes ?? [undefined]) {
    const found = find(scope)
    if (found === undefined) continue
    const key = JSON.stringify([...found.token].sort())
    const known = byToken.get(key) ?? { ...found, scopes: [] }
    if (scope !== undefined) known.scopes.push(scope)
    byToken.set(key, known)
  }
  return [...byToken.values()]
}

/** Does the box give the scope? `undefined` = the target, which has none. */
export function gives({ scopes }: GivingBox, scope: string | undefined): boolean {
  return scope === undefined || scopes?.includes(scope) === true
}

export function decideAbout(
  policy: Policy,
  { issuer, gift }: GivingBox,
  { token, scopes }: FoundToken,
): Decision {
  const claims = issuer.schema.present(token)
  const asked = scopes.length === 0 ? {} : { scopes }
  return decideByRules(policy, { issuer: issuer.name, claims, target: gift.target.name, ...asked })
}

export function byGrant({ grant }: GivingBox, direction: Direction): Cause {
  const placeIn = direction === 'gained' ? 'after' : 'before'
  return { cause: `grant \`${grant.name}\``, place: grant.place, placeIn }
}

export function changeOf(
  entry: GivingBox,
  { token, region, scopes }: FoundToken,
  cause: Cause,
): AccessChange {
  const { issuer, gift, box } = entry
  return {
    issuer: issuer.name,
    target: gift.target.name,
    tier: gift.target.tier,
    scopes,
    ...cause,
    conditions: [...box.values()].map(({ claim, needed }) => `${claimIn(claim)} ${needed}`),
    sample: shownClaims(token, region, [entry]),
  }
}

export function deniesOf(policy: Policy, issuer: PolicyIssuer, target: PolicyTarget): readonly PolicyDeny[] {
  return policy.index.get(issuer.name)?.get(target.name)?.denies ?? []
}
