/** diff-lifetimes: tokens that have something by both policies, and have it longer by one. */
import {
  byGrant,
  type Comparing,
  changeOf,
  decideAbout,
  deniesOf,
  type FoundToken,
  gives,
  scopeByScope,
  search,
} from './diff-compared.ts'
import { type GivingBox, secondsOf } from './giving.ts'
import { regionOf } from './search.ts'

/** Scope by scope, as `decide` counts: a long grant of one scope says nothing about how long another one lasts. */
export function compareLifetime(comparing: Comparing, entry: GivingBox, theirs: readonly GivingBox[]): void {
  if (theirs.every((each) => secondsOf(each) >= secondsOf(entry))) return
  const denied = deniesOf(comparing.there, entry.issuer, entry.gift.target).flatMap(({ boxes }) => boxes)
  const longer = scopeByScope(entry, (scope) => {
    const giving = theirs.filter((each) => gives(each, scope))
    const enough = giving.filter((each) => secondsOf(each) >= secondsOf(entry)).map(({ box }) => box)
    // The greatest difference first: one is said for each grant.
    const shorter = giving.filter((each) => secondsOf(each) < secondsOf(entry)).toSorted(byLifetime)
    for (const each of shorter) {
      const { region } = regionOf([each.box], entry.issuer, entry.region)
      const token =
        region && search(comparing, region, [...comparing.refused, ...denied, ...enough], entry.issuer)
      if (token !== undefined) return token
    }
    return undefined
  })
  for (const found of longer) report(comparing, entry, found)
}

function byLifetime(a: GivingBox, b: GivingBox): number {
  return secondsOf(a) - secondsOf(b)
}

/** Only what both policies confirm is said; a disagreement of search and evaluator is a fault, and never silent. */
function report(comparing: Comparing, entry: GivingBox, found: FoundToken): void {
  const { here, there, direction } = comparing
  const [now, then] = [here, there].map((policy) => decideAbout(policy, entry, found))
  if (now?.allowed === true && then?.allowed === true && now.seconds > then.seconds) {
    const change = changeOf(entry, found, byGrant(entry, direction))
    comparing.found.longer.push({ ...change, before: then.seconds, after: now.seconds })
    return
  }
  // One credential lasts as long as its shortest scope: asked for together, they may hide what each of them says.
  if (found.scopes.length < 2) comparing.found.complete = false
  else for (const scope of found.scopes) report(comparing, entry, { ...found, scopes: [scope] })
}
