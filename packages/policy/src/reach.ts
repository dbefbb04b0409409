/**
 * reach: the role matrix. What can some token of these conditions get, and who can get a target at all: after deny
 * rules and the issuer's own relations, by the prover's search.
 */
import { TooLarge } from './automaton.ts'
import type { Box } from './box.ts'
import { denyBoxes, everythingOf, type GivingBox, givingBoxes, secondsOf } from './giving.ts'
import type { Policy, PolicyIssuer } from './policy.ts'
import { claimIn } from './schema/list-claims.ts'
import { findOutside, isDisjoint, type Region, regionOf } from './search.ts'

/** A target that some token of the conditions can get. */
export interface Reached {
  readonly target: string
  readonly tier: string
  readonly access: string
  readonly scopes: readonly string[]
  /** The longest that any of its grants gives. */
  readonly seconds: number
  readonly grants: readonly string[]
  /** `false`: the search was given up, so it counts as reached. */
  readonly certain: boolean
}

/** Who can get a target: one for each way. */
export interface Way {
  readonly issuer: string
  readonly grant: string
  readonly scopes: readonly string[]
  readonly seconds: number
  /** What the token must have, in the policy's words. */
  readonly conditions: readonly string[]
  /** Deny rules that keep some of those tokens out, by name. */
  readonly unless: readonly string[]
  readonly certain: boolean
}

/** Every target that some token of the issuer within one of `boxes` can get, production first. */
export function reach(policy: Policy, issuer: string, boxes: readonly Box[]): readonly Reached[] {
  const ways = givingBoxes(policy, everythingOf(policy))
    .filter((entry) => entry.issuer.name === issuer)
    .flatMap((entry) => boxes.map((box) => ({ entry, left: leftOf(policy, entry, box) })))
    .filter(({ left }) => left !== 'nothing')
  const byTarget = Map.groupBy(ways, ({ entry }) => entry.gift.target)
  const reached = [...byTarget].map(([{ name, tier, access }, all]) => ({
    target: name,
    tier,
    access,
    scopes: [...new Set(all.flatMap(({ entry }) => entry.scopes ?? []))].sort(),
    seconds: Math.max(...all.map(({ entry }) => secondsOf(entry))),
    grants: [...new Set(all.map(({ entry }) => entry.grant.name))].sort(),
    certain: all.some(({ left }) => left === 'some'),
  }))
  return reached.toSorted((a, b) => Number(b.tier === 'production') - Number(a.tier === 'production'))
}

/** Every way to a target that deny rules leave open. */
export function who(policy: Policy, target: string): readonly Way[] {
  return givingBoxes(policy, everythingOf(policy))
    .filter(({ gift }) => gift.target.name === target)
    .flatMap((entry) => {
      const left = leftOf(policy, entry)
      if (left === 'nothing') return []
      const { issuer, grant, box, scopes } = entry
      const conditions = [...box.values()].map(({ claim, needed }) => `${claimIn(claim)} ${needed}`)
      const certain = left === 'some'
      return [
        {
          issuer: issuer.name,
          grant: grant.name,
          scopes: scopes ?? [],
          seconds: secondsOf(entry),
          conditions,
          unless: deniesMeeting(policy, entry),
          certain,
        },
      ]
    })
}

function deniesMeeting(policy: Policy, { issuer, gift, region }: GivingBox): readonly string[] {
  const denies = policy.index.get(issuer.name)?.get(gift.target.name)?.denies ?? []
  return denies.filter(({ boxes }) => boxes.some((box) => mayMeet(box, region))).map(({ name }) => name)
}

/** When it would be too much to tell, the rule is named: it may keep somebody out. */
function mayMeet(box: Box, region: Region): boolean {
  try {
    return !isDisjoint(box, region)
  } catch (thrown) {
    if (thrown instanceof TooLarge) return true
    throw thrown
  }
}

/** Is there a token of the entry, within the box, that is real and not denied? */
function leftOf(policy: Policy, entry: GivingBox, within?: Box): Left {
  try {
    return searchLeft(policy, entry, within)
  } catch (thrown) {
    if (thrown instanceof TooLarge) return 'unknown'
    throw thrown
  }
}

type Left = 'some' | 'nothing' | 'unknown'

function searchLeft(policy: Policy, entry: GivingBox, within: Box | undefined): Left {
  const { issuer, gift } = entry
  const region = within === undefined ? entry.region : meeting(entry.region, within, issuer)
  if (region === undefined) return 'nothing'
  const covers = [
    ...issuer.schema.profile.map(({ box }) => box),
    ...denyBoxes(policy, issuer, gift.target.name),
  ]
  const { is } = findOutside(region, covers, issuer)
  if (is === 'unknown') return 'unknown'
  return is === 'token' ? 'some' : 'nothing'
}

function meeting(region: Region, box: Box, issuer: PolicyIssuer): Region | undefined {
  return regionOf([box], issuer, region).region
}
