/**
 * check/covered: grants that can never give what they say, because a deny rule takes all of it, and grants that add
 * nothing to an earlier one. Both mean that the author believes something else than the policy says.
 */
import { type Box, within } from '../box.ts'
import { entriesIn } from '../entry-tree.ts'
import { witness } from '../lang.ts'
import type { Gift, GrantEntry, Policy, PolicyGrant, TargetIndex } from '../policy.ts'
import type { Vocabulary } from '../read/vocabulary.ts'

/** Comparing is quadratic in the grants of one repository and target; beyond this the warning is left out. */
const MOST_COMPARED = 500

export function checkCovered(policy: Policy, { faults, issuer }: Vocabulary): void {
  const index = policy.index.get(issuer.name)
  const position = new Map(policy.grants.map((grant, at) => [grant, at]))
  for (const grant of policy.grants) {
    if (grant.issuer !== issuer.name) continue
    const places = grant.gifts.flatMap((gift) => {
      const target = index?.get(gift.target.name)
      return target === undefined ? [] : [{ gift, target }]
    })
    for (const { gift, target } of places) {
      const deny = target.denies.find((each) => coversAll(each.boxes, grant.boxes))
      if (deny === undefined) continue
      const message = `grant \`${grant.name}\` can never give \`${gift.target.name}\`: deny rule \`${deny.name}\` takes all of it`
      faults.error('P021', grant.place, message)
    }
    const by = places.map(({ gift, target }) => coveredBy(grant, gift, target, position))
    const [first] = by
    if (first === undefined || by.includes(undefined)) continue
    faults.warning('P021', grant.place, `grant \`${grant.name}\` adds nothing to \`${first.name}\``)
  }
}

function coversAll(outer: readonly Box[], inner: readonly Box[]): boolean {
  return inner.every((box) => outer.some((each) => within(box, each)))
}

/** The earlier grant that gives at least as much for at least as long to every token of this one. */
function coveredBy(
  grant: PolicyGrant,
  gift: Gift,
  target: TargetIndex,
  position: ReadonlyMap<PolicyGrant, number>,
): PolicyGrant | undefined {
  const own = position.get(grant) ?? 0
  const found = grant.boxes.map(
    (box) =>
      candidates(box, target).find(
        (entry) =>
          (position.get(entry.grant) ?? 0) < own &&
          entry.grant.seconds >= grant.seconds &&
          gift.scopes.every((scope) => entry.gift.scopes.includes(scope)) &&
          within(box, entry.box),
      )?.grant,
  )
  return found.includes(undefined) ? undefined : found[0]
}

/** A box that contains this one matches any of its tokens. */
function candidates(box: Box, target: TargetIndex): readonly GrantEntry[] {
  const token = new Map<string, string>()
  for (const { claim, lang } of box.values()) {
    const value = witness(lang)?.value
    if (value !== undefined) token.set(claim, value)
  }
  const found = entriesIn(target.tree, token)
  return found.length > MOST_COMPARED ? [] : found
}
