/** giving: the boxes of grants that give something of a selection, and the deny rules that stand against them. */
import type { Box } from './box.ts'
import type { Gift, Policy, PolicyGrant, PolicyIssuer, Selection } from './policy.ts'
import { type Region, regionOf } from './search.ts'

/** One box of a grant that gives something of the selection, as the set of tokens that it admits. */
export interface GivingBox {
  readonly grant: PolicyGrant
  readonly gift: Gift
  /** What of the gift is selected; `undefined` = the target, which has no scopes. */
  readonly scopes: readonly string[] | undefined
  readonly box: Box
  readonly region: Region
  readonly issuer: PolicyIssuer
}

/** Each grant's box as a region, made once for all guardrails. */
export type Regions = Map<Box, Region | undefined>

export function denyBoxes(policy: Policy, issuer: PolicyIssuer, target: string): readonly Box[] {
  const denies = policy.index.get(issuer.name)?.get(target)?.denies ?? []
  return denies.flatMap(({ boxes }) => boxes)
}

/** Every box of every grant that gives something of the selection to some token. */
export function givingBoxes(
  policy: Policy,
  get: Selection,
  regions: Regions = new Map(),
): readonly GivingBox[] {
  return policy.grants.flatMap((grant) => {
    const issuer = policy.issuers.get(grant.issuer)
    if (issuer === undefined) return []
    return grant.gifts.flatMap((gift) => {
      const scopes = selected(gift, get)
      if (scopes === 'nothing') return []
      return grant.boxes.flatMap((box) => {
        const region = regions.has(box) ? regions.get(box) : regionOf([box], issuer).region
        regions.set(box, region)
        return region === undefined ? [] : [{ grant, gift, scopes, box, region, issuer }]
      })
    })
  })
}

function selected({ target, scopes }: Gift, get: Selection): readonly string[] | undefined | 'nothing' {
  if (!get.has(target.name)) return 'nothing'
  const wanted = get.get(target.name)
  if (wanted === undefined) return undefined
  const both = scopes.filter((scope) => wanted.has(scope))
  return both.length === 0 ? 'nothing' : both
}

/** Every target of a policy, with every scope. */
export function everythingOf({ targets }: Policy): Selection {
  return new Map(
    [...targets.values()].map(({ name, scopes }) => [
      name,
      scopes.size === 0 ? undefined : new Set(scopes.keys()),
    ]),
  )
}

/** How long the box's grant gives its target. */
export function secondsOf({ grant, gift }: GivingBox): number {
  return Math.min(grant.seconds, gift.target.maxSeconds)
}
