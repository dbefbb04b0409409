/** diff-access: tokens to which one policy gives what the other does not, by the prover's own search. */
import { TooLarge } from './automaton.ts'
import type { Box } from './box.ts'
import type { AccessChange, LifetimeChange } from './changes.ts'
import { boxKey } from './content-key.ts'
import {
  byGrant,
  type Cause,
  type Comparing,
  changeOf,
  type Direction,
  decideAbout,
  deniesOf,
  type FoundToken,
  type Growing,
  gives,
  scopeByScope,
  search,
} from './diff-compared.ts'
import { compareLifetime } from './diff-lifetimes.ts'
import { everythingOf, type GivingBox, givingBoxes, secondsOf } from './giving.ts'
import { thatMeet } from './pairs.ts'
import type { Policy, PolicyDeny } from './policy.ts'
import { isDisjoint, regionOf } from './search.ts'

export interface Found {
  readonly access: readonly AccessChange[]
  /** Those that have it in both policies, and longer here. */
  readonly longer: readonly LifetimeChange[]
  readonly complete: boolean
}

interface Sides {
  readonly there: Policy
  readonly here: Policy
  readonly direction: Direction
}

/** What `here` gives and `there` does not. */
export function accessChanges(there: Policy, here: Policy, direction: Direction): Found {
  const found: Growing = { access: [], longer: [], complete: true }
  const elsewhere = Map.groupBy(givingBoxes(there, everythingOf(there)), placeOf)
  for (const [place, entries] of Map.groupBy(givingBoxes(here, everythingOf(here)), placeOf)) {
    try {
      compareTarget({ there, here, direction }, entries, elsewhere.get(place) ?? [], found)
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

/** What stands in both policies is never searched, and what cannot meet is never compared: no pair of all pairs. */
function compareTarget(
  sides: Sides,
  ours: readonly GivingBox[],
  theirs: readonly GivingBox[],
  found: Growing,
): void {
  const [first] = ours
  if (first === undefined) return
  const { issuer, gift } = first
  const ownDenies = deniesOf(sides.here, issuer, gift.target).flatMap(({ boxes }) => boxes)
  const refused = [...issuer.schema.profile.map(({ box }) => box), ...ownDenies]
  const comparing: Comparing = { ...sides, theirs: thatMeet(theirs), refused, found }
  const kept = new Set(ownDenies.map(boxKey))
  // A deny rule that is there in both can give nobody anything.
  const lifted = deniesOf(sides.there, issuer, gift.target).flatMap((deny) =>
    deny.boxes.filter((box) => !kept.has(boxKey(box))).map((box) => ({ deny, box })),
  )
  const same = new Set(theirs.map(entryKey))
  for (const entry of ours) {
    if (!same.has(entryKey(entry))) compareEntry(comparing, entry)
    for (const { deny, box } of lifted) compareDeny(comparing, entry, deny, box)
  }
}

/** Tokens of the entry that no entry of the other policy admits, scope by scope; then those that have it longer. */
function compareEntry(comparing: Comparing, entry: GivingBox): void {
  const theirs = [...comparing.theirs(entry)]
  const gained = scopeByScope(entry, (scope) => {
    const giving = theirs.filter((each) => gives(each, scope)).map(({ box }) => box)
    return search(comparing, entry.region, [...comparing.refused, ...giving], entry.issuer)
  })
  for (const found of gained) report(comparing, entry, found, byGrant(entry, comparing.direction))
  compareLifetime(comparing, entry, theirs)
}

/** Tokens of the entry that only a deny rule of the other policy kept out. */
function compareDeny(comparing: Comparing, entry: GivingBox, deny: PolicyDeny, box: Box): void {
  if (isDisjoint(box, entry.region)) return
  const { region } = regionOf([box], entry.issuer, entry.region)
  const token = region && search(comparing, region, comparing.refused, entry.issuer)
  if (token === undefined) return
  report(comparing, entry, { ...token, scopes: [...(entry.scopes ?? [])] }, byDeny(comparing, deny))
}

/** It stands in the policy that refuses: the old one for what is gained, the new one for what is lost. */
function byDeny({ direction, here }: Comparing, { name, issuer, place }: PolicyDeny): Cause {
  const rule = `deny rule \`${name}\``
  if (direction === 'lost') return { cause: rule, place, placeIn: 'after' }
  const stays = here.denies.some((deny) => deny.name === name && deny.issuer === issuer)
  return { cause: `${rule} ${stays ? 'keeps fewer out' : 'is gone'}`, place, placeIn: 'before' }
}

/** Only what both policies confirm is said; a disagreement of search and evaluator is a fault, and never silent. */
function report(comparing: Comparing, entry: GivingBox, token: FoundToken, cause: Cause): void {
  const { here, there, found } = comparing
  const { scopes } = token
  const [yes, no] = [here, there].map((policy) => decideAbout(policy, entry, token))
  if (yes?.allowed === true && no?.allowed === false) {
    found.access.push(changeOf(entry, token, cause))
    return
  }
  // A scope at a time may be new where all of them together are not.
  if (scopes.length < 2) found.complete = false
  else for (const scope of scopes) report(comparing, entry, { ...token, scopes: [scope] }, cause)
}

/** What decides whether an entry means the same: whom, what, how long; not its name, not its place. */
function entryKey(entry: GivingBox): string {
  const { box, scopes } = entry
  return JSON.stringify([boxKey(box), scopes === undefined ? null : [...scopes].sort(), secondsOf(entry)])
}
