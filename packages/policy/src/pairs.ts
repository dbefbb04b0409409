/** pairs: which boxes of two long lists can match one token at all, without comparing each with each. */

import type { GivingBox } from './giving.ts'
import { listed } from './lang.ts'

/** By the values that a claim is limited to; `open` are those that do not list its values. */
interface ByClaim {
  readonly claim: string
  readonly listed: ReadonlyMap<string, readonly GivingBox[]>
  readonly open: readonly GivingBox[]
}

/** Every pair of one of `ours` and one of `theirs` that listed values do not keep apart. */
export function* pairsThatMeet(
  ours: readonly GivingBox[],
  theirs: readonly GivingBox[],
): Generator<readonly [GivingBox, GivingBox]> {
  for (const [issuer, all] of Map.groupBy(theirs, (each) => each.issuer)) {
    const meeting = thatMeet(all)
    for (const one of ours) {
      if (one.issuer === issuer) for (const other of meeting(one)) yield [one, other]
    }
  }
}

/** Finds, for one box, those of `all` that listed values do not keep apart. All are of one issuer, as is the one. */
export function thatMeet(all: readonly GivingBox[]): (one: GivingBox) => Iterable<GivingBox> {
  const claims = new Set<string>()
  for (const { box } of all) for (const claim of box.keys()) claims.add(claim)
  const indexes = [...claims].map((claim) => indexBy(claim, all))
  return (one) => fewest(one, indexes, all)
}

function indexBy(claim: string, all: readonly GivingBox[]): ByClaim {
  const values = new Map<string, GivingBox[]>()
  const open: GivingBox[] = []
  for (const each of all) {
    const among = valuesOf(each, claim)
    if (among === undefined) open.push(each)
    else for (const value of among) listUnder(values, value).push(each)
  }
  return { claim, listed: values, open }
}

function listUnder(values: Map<string, GivingBox[]>, value: string): GivingBox[] {
  const list = values.get(value) ?? []
  if (list.length === 0) values.set(value, list)
  return list
}

function valuesOf({ region }: GivingBox, claim: string): ReadonlySet<string> | undefined {
  const lang = region.get(claim)
  return lang === undefined ? undefined : listed(lang)
}

/** The shortest list that holds every box which may meet this one. */
function fewest(one: GivingBox, indexes: readonly ByClaim[], all: readonly GivingBox[]): Iterable<GivingBox> {
  let least = all.length
  let best: Iterable<GivingBox> = all
  for (const index of indexes) {
    const values = valuesOf(one, index.claim)
    if (values === undefined || values.size > least) continue
    const lists = [...values].map((value) => index.listed.get(value) ?? [])
    const count = lists.reduce((sum, list) => sum + list.length, index.open.length)
    if (count >= least) continue
    least = count
    best = new Set([...lists.flat(), ...index.open])
  }
  return best
}
