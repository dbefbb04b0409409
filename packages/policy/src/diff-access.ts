/** diff-access: tokens to which one policy gives what the other does not, by the prover's own search. */
import { TooLarge } from './automaton.ts'
import type { Box, TokenClaims } from './box.ts'
import type { AccessChange, LifetimeChange } from './changes.ts'
import { boxKey } from './content-key.ts'
import { shownClaims } from './counterexample.ts'
import { type Decision, decideByRules } from './decide.ts'
import { everythingOf, type GivingBox, givingBoxes, secondsOf } from './giving.ts'
import type { Policy, PolicyDeny, PolicyIssuer, PolicyTarget } from './policy.ts'
import { findOutside, type Region, regionOf } from './search.ts'

export interface Found {
  readonly access: readonly AccessChange[]
  /** Those that have it in both policies, and longer here. */
  readonly longer: readonly LifetimeChange[]
  readonly complete: boolean
}

/** The direction is in the words only: what is lost is what the old policy gives and the new one does not. */
export type Direction = 'gained' | 'lost'

interface Growing {
  readonly access: AccessChange[]
  readonly longer: LifetimeChange[]
  complete: boolean
}

/** What `here` gives and `there` does not. */
export function accessChanges(there: Policy, here: Policy, direction: Direction): Found {
  const found: Growing = { access: [], longer: [], complete: true }
  const elsewhere = Map.groupBy(givingBoxes(there, everythingOf(there)), placeOf)
  for (const [place, entries] of Map.groupBy(givingBoxes(here, everythingOf(here)), placeOf)) {
    try {
      compareTarget({ there, here, direction, theirs: elsewhere.get(place) ?? [], found }, entries)
    } catch (thrown) {
      if (!(thrown instanceof TooLarge)) throw thrown
      found.complete = false
    }
  }
  return found
}

/** Issuer and target: nothing else can be compared. */
function placeOf({ issuer, gift }: GivingBox): string {
  return JSON.stringify([issuer.name, issuer.schema.kind, gift.target.name])
}

interface Comparing {
  readonly there: Policy
  readonly here: Policy
  readonly direction: Direction
  /** Entries of the same issuer and target in the other policy. */
  readonly theirs: readonly GivingBox[]
  readonly found: Growing
}

function compareTarget(comparing: Comparing, ours: readonly GivingBox[]): void {
  const { there, here, theirs } = comparing
  const same = new Set(theirs.map((entry) => entryKey(entry)))
  const [first] = ours
  if (first === undefined) return
  const { issuer, gift } = first
  const unreal = issuer.schema.profile.map(({ box }) => box)
  const ownDenies = deniesOf(here, issuer, gift.target)
  const kept = new Set(ownDenies.flatMap(({ boxes }) => boxes.map(boxKey)))
  // A deny rule that is there in both can give nobody anything.
  const lifted = deniesOf(there, issuer, gift.target).flatMap((deny) =>
    deny.boxes.filter((box) => !kept.has(boxKey(box))).map((box) => ({ deny, box })),
  )
  const refused = [...unreal, ...ownDenies.flatMap(({ boxes }) => boxes)]
  for (const entry of ours) {
    if (!same.has(entryKey(entry))) compareEntry(comparing, entry, refused)
    for (const { deny, box } of lifted) compareDeny(comparing, entry, deny, box, refused)
  }
}

/** Tokens of the entry that no entry of the other policy admits, scope by scope; then those that have it longer. */
function compareEntry(comparing: Comparing, entry: GivingBox, refused: readonly Box[]): void {
  const { theirs } = comparing
  const byToken = new Map<string, { token: TokenClaims; region: Region; scopes: string[] }>()
  for (const scope of entry.scopes ?? [undefined]) {
    const giving = theirs.filter(({ scopes }) => scope === undefined || scopes?.includes(scope))
    const token = search(comparing, entry.region, [...refused, ...giving.map(({ box }) => box)], entry.issuer)
    if (token === undefined) continue
    const key = JSON.stringify([...token.token].sort())
    const known = byToken.get(key) ?? { ...token, scopes: [] }
    if (scope !== undefined) known.scopes.push(scope)
    byToken.set(key, known)
  }
  const cause = `grant \`${entry.grant.name}\``
  for (const found of byToken.values()) report(comparing, entry, found, cause)
  compareLifetime(comparing, entry, refused)
}

/** Tokens of the entry that only a deny rule of the other policy kept out. */
function compareDeny(
  comparing: Comparing,
  entry: GivingBox,
  deny: PolicyDeny,
  box: Box,
  refused: readonly Box[],
): void {
  const { region } = regionOf([box], entry.issuer, entry.region)
  const token = region && search(comparing, region, refused, entry.issuer)
  if (token === undefined) return
  const cause =
    comparing.direction === 'gained'
      ? `deny rule \`${deny.name}\` keeps fewer out`
      : `deny rule \`${deny.name}\``
  report(comparing, entry, { ...token, scopes: [...(entry.scopes ?? [])] }, cause)
}

function compareLifetime(comparing: Comparing, entry: GivingBox, refused: readonly Box[]): void {
  const { there, theirs } = comparing
  const shorter = theirs.filter((each) => secondsOf(each) < secondsOf(entry))
  if (shorter.length === 0) return
  const longEnough = theirs.filter((each) => secondsOf(each) >= secondsOf(entry)).map(({ box }) => box)
  const denied = deniesOf(there, entry.issuer, entry.gift.target).flatMap(({ boxes }) => boxes)
  for (const each of shorter) {
    const both = regionOf([each.box], entry.issuer, entry.region)
    const token =
      both.region && search(comparing, both.region, [...refused, ...denied, ...longEnough], entry.issuer)
    if (token === undefined) continue
    reportLonger(comparing, entry, token)
    return
  }
}

function search(
  { found }: Comparing,
  region: Region,
  covers: readonly Box[],
  issuer: PolicyIssuer,
): { readonly token: TokenClaims; readonly region: Region } | undefined {
  const result = findOutside(region, covers, issuer)
  if (result.is === 'unknown') found.complete = false
  return result.is === 'token' ? result : undefined
}

interface FoundToken {
  readonly token: TokenClaims
  readonly region: Region
  readonly scopes: readonly string[]
}

/** Only what both policies confirm is said; a disagreement of search and evaluator is a fault, and never silent. */
function report(
  comparing: Comparing,
  entry: GivingBox,
  { token, region, scopes }: FoundToken,
  cause: string,
): void {
  const { here, there, found } = comparing
  const asked = scopes.length === 0 ? undefined : scopes
  const [yes, no] = [here, there].map((policy) => decideAbout(policy, entry, token, asked))
  if (yes?.allowed !== true || no?.allowed === true) {
    // A scope at a time may be new where all of them together are not.
    if (asked !== undefined && asked.length > 1) {
      for (const scope of asked) report(comparing, entry, { token, region, scopes: [scope] }, cause)
    } else found.complete = false
    return
  }
  found.access.push(changeOf(entry, { token, region, scopes }, cause))
}

function reportLonger(
  comparing: Comparing,
  entry: GivingBox,
  { token, region }: { readonly token: TokenClaims; readonly region: Region },
): void {
  const { here, there, found } = comparing
  const asked = entry.scopes?.slice(0, 1)
  const [now, then] = [here, there].map((policy) => decideAbout(policy, entry, token, asked))
  // Where it is not had in both, it is gained or lost, and said there.
  if (now?.allowed !== true || then?.allowed !== true || now.seconds <= then.seconds) return
  const change = changeOf(
    entry,
    { token, region, scopes: entry.scopes ?? [] },
    `grant \`${entry.grant.name}\``,
  )
  found.longer.push({ ...change, before: then.seconds, after: now.seconds })
}

function decideAbout(
  policy: Policy,
  { issuer, gift }: GivingBox,
  token: TokenClaims,
  scopes: readonly string[] | undefined,
): Decision {
  const claims = issuer.schema.present(token)
  const asked = scopes === undefined ? {} : { scopes }
  return decideByRules(policy, { issuer: issuer.name, claims, target: gift.target.name, ...asked })
}

function changeOf(entry: GivingBox, { token, region, scopes }: FoundToken, cause: string): AccessChange {
  const { issuer, gift, grant, box } = entry
  return {
    issuer: issuer.name,
    target: gift.target.name,
    tier: gift.target.tier,
    scopes,
    cause,
    place: grant.place,
    conditions: [...box.values()].map(({ claim, needed }) => `${claim} ${needed}`),
    sample: shownClaims(token, region, [entry]),
  }
}

/** What decides whether an entry means the same: whom, what, how long; not its name, not its place. */
function entryKey(entry: GivingBox): string {
  const { box, scopes } = entry
  return JSON.stringify([boxKey(box), scopes === undefined ? null : [...scopes].sort(), secondsOf(entry)])
}

function deniesOf(policy: Policy, issuer: PolicyIssuer, target: PolicyTarget): readonly PolicyDeny[] {
  return policy.index.get(issuer.name)?.get(target.name)?.denies ?? []
}
