/**
 * check/grants: rules that are legal but dangerous, found for every grant on the same languages that decide. An error
 * here means that somebody would get a credential whom the author did not think of.
 */
import { type Box, within } from '../box.ts'
import { everything, has } from '../lang.ts'
import type { Gift, Policy, PolicyGrant } from '../policy.ts'
import type { Vocabulary } from '../read/vocabulary.ts'
import { checkCovered } from './covered.ts'
import { accessOfGift, limits, limitsPin, wordsFor } from './limits.ts'
import { checkProduction } from './production.ts'

export function checkGrants(policy: Policy, vocabulary: Vocabulary): void {
  for (const grant of policy.grants) {
    if (grant.issuer !== vocabulary.issuer.name) continue
    for (const box of grant.boxes) {
      checkPossible(grant, box, vocabulary)
      checkIdentity(grant, box, vocabulary)
      checkEvent(box, vocabulary)
      for (const gift of grant.gifts) {
        checkWrites(grant, box, gift, vocabulary)
        checkProduction(policy, grant, box, gift, vocabulary)
      }
    }
  }
  checkCovered(policy, vocabulary)
}

function checkPossible(grant: PolicyGrant, box: Box, { issuer, faults }: Vocabulary): void {
  const rule = issuer.schema.profile.find((each) => within(box, each.box))
  if (rule !== undefined) {
    const message = `grant \`${grant.name}\` can never match: no token of ${issuer.name} has this \`${rule.name}\``
    faults.error('P007', grant.place, message)
  }
  if (issuer.schema.parts.tenant?.section !== 'owners') return
  for (const claim of ['repository_id', 'repository']) {
    const condition = box.get(claim)
    for (const { operator, values, place } of condition?.sayings ?? []) {
      if (operator === 'not' || operator === 'any' || operator === 'absent') continue
      const names = claim === 'repository' ? values : (condition?.names ?? [])
      const outside = names.find((name) => !issuer.tenants.has(name.split('/')[0] ?? ''))
      if (outside === undefined) continue
      const message = `\`${outside}\` can never match: its owner is not one of issuers.${issuer.name}.owners`
      faults.error('P007', place, message)
    }
  }
}

function checkIdentity(grant: PolicyGrant, box: Box, vocabulary: Vocabulary): void {
  const { issuer, faults } = vocabulary
  const { parts, properties } = issuer.schema
  const declared = issuer.properties.map((name) => (properties?.prefix ?? '') + name)
  if ([...parts.identities, ...declared].some((claim) => limits(box, claim, vocabulary))) return
  if (limits(box, parts.actor ?? '', vocabulary)) {
    const message = `grant \`${grant.name}\`: an actor is not a workflow; everything that the person starts would match`
    faults.error('P015', grant.place, message, `add ${wordsFor(parts.identities, issuer)}`)
  } else {
    const message = `grant \`${grant.name}\` says nothing about whose job it is`
    faults.error('P009', grant.place, message, `add ${wordsFor([...parts.identities, ...declared], issuer)}`)
  }
}

function checkEvent(box: Box, { faults, issuer }: Vocabulary): void {
  const { event } = issuer.schema.parts
  if (event === undefined) return
  for (const { operator, place } of box.get(event.claim)?.sayings ?? []) {
    if (operator === 'exact' || operator === 'default') continue
    const hint = `write ${wordsFor([event.claim], issuer)} [${event.standard.join(', ')}]`
    faults.error('P016', place, 'a grant lists its events; platforms add new ones', hint)
  }
}

function checkWrites(grant: PolicyGrant, box: Box, gift: Gift, vocabulary: Vocabulary): void {
  const access = accessOfGift(gift)
  if (access === 'read') return
  const { faults, issuer } = vocabulary
  const { event, pins, origin } = issuer.schema.parts
  const events = box.get(event?.claim ?? '')
  const outsider = event?.outsider.find((value) => has(events?.lang ?? everything, value))
  if (outsider !== undefined) {
    const message = `\`${gift.target.name}\` is ${access}, and outsiders cause \`${outsider}\`, which runs with the project's own rights`
    faults.error('P011', events?.sayings[0]?.place ?? grant.place, message, 'leave the event out')
  }
  if (origin !== undefined && !limits(box, origin, vocabulary)) {
    const message = `\`${gift.target.name}\` is ${access}, and builds of forks differ in nothing but \`${origin}\``
    faults.error('P011', grant.place, message, `add ${wordsFor([origin], issuer)}`)
  }
  if (pins.length === 0 || pins.some((claim) => limitsPin(box, claim, vocabulary))) return
  const message = `grant \`${grant.name}\` gives \`${gift.target.name}\` (${access}) whatever code runs`
  faults.error('P010', grant.place, message, `add ${wordsFor(pins, issuer)}`)
}
