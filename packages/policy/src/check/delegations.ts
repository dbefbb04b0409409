/** check/delegations: every rule of a team's file lies inside the file's scope, proved for all tokens. */
import type { Box } from '../box.ts'
import { shownClaims, tokenSentence } from '../counterexample.ts'
import type { Gift, Policy, PolicyDeny, PolicyGrant, Selection } from '../policy.ts'
import type { Delegation } from '../read/delegations.ts'
import type { Faults } from '../read/faults.ts'
import { findOutside, regionOf } from '../search.ts'

export function checkDelegations(policy: Policy, delegations: readonly Delegation[], faults: Faults): void {
  for (const delegation of delegations) {
    const inFile = ({ place }: PolicyGrant | PolicyDeny) => place.path === delegation.path
    for (const grant of policy.grants.filter(inFile)) {
      checkGifts(grant, delegation, faults)
      checkWho(policy, `grant \`${grant.name}\``, grant, delegation, faults)
    }
    for (const deny of policy.denies.filter(inFile)) {
      checkDenied(policy, deny, delegation, faults)
      checkWho(policy, `deny rule \`${deny.name}\``, deny, delegation, faults)
    }
  }
}

function checkGifts(grant: PolicyGrant, { get, seconds }: Delegation, faults: Faults): void {
  const beyond = grant.gifts.find((gift) => !inside(gift, get))
  if (beyond !== undefined) {
    const message = `grant \`${grant.name}\` gives \`${beyond.target.name}\`, which is outside the scope of its file`
    faults.error('P040', grant.place, message, scopeHint)
  }
  if (seconds === undefined || grant.seconds <= seconds) return
  const message = `grant \`${grant.name}\` lives ${grant.seconds} s; the scope of its file allows ${seconds} s`
  faults.error('P040', grant.place, message)
}

const scopeHint = 'ask those who own the scope to widen it, or take the rule out'

function inside({ target, scopes }: Pick<Gift, 'target' | 'scopes'>, get: Selection): boolean {
  if (!get.has(target.name)) return false
  const allowed = get.get(target.name)
  return allowed === undefined || scopes.every((scope) => allowed.has(scope))
}

/** A deny rule is a right too: it takes credentials away from others. */
function checkDenied(policy: Policy, deny: PolicyDeny, { get }: Delegation, faults: Faults): void {
  const beyond = deny.targets?.find((name) => {
    const target = policy.targets.get(name)
    return target === undefined || !inside({ target, scopes: [...target.scopes.keys()] }, get)
  })
  if (deny.targets !== undefined && beyond === undefined) return
  const what = beyond === undefined ? 'every target' : `\`${beyond}\``
  const message = `deny rule \`${deny.name}\` speaks of ${what}, which is outside the scope of its file`
  faults.error('P040', deny.place, message, 'name targets of the scope in get:')
}

function checkWho(
  policy: Policy,
  what: string,
  rule: { readonly issuer: string; readonly boxes: readonly Box[]; readonly place: PolicyGrant['place'] },
  { who }: Delegation,
  faults: Faults,
): void {
  const issuer = policy.issuers.get(rule.issuer)
  if (issuer === undefined) return
  const allowed = [...(who.get(rule.issuer) ?? []), ...issuer.schema.profile.map(({ box }) => box)]
  for (const box of rule.boxes) {
    const { region } = regionOf([box], issuer)
    const found = region && findOutside(region, allowed, issuer)
    if (found === undefined || found.is === 'nothing') continue
    const whom =
      found.is === 'unknown'
        ? 'is not proved to stay inside the scope of its file'
        : `also means ${tokenSentence(issuer.name, shownClaims(found.token, found.region, []))}, outside the scope of its file`
    faults.error('P040', rule.place, `${what} ${whom}`, scopeHint)
    return
  }
}
