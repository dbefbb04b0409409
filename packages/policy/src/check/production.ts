/** check/production: what must not, or should not, be enough for a target of tier production. */
import type { Box } from '../box.ts'
import { everything, has, listed } from '../lang.ts'
import type { Gift, Policy, PolicyGrant } from '../policy.ts'
import type { Vocabulary } from '../read/vocabulary.ts'
import { accessOfGift, limits, limitsPin, limitsWorkflow } from './limits.ts'

export function checkProduction(
  policy: Policy,
  grant: PolicyGrant,
  box: Box,
  gift: Gift,
  vocabulary: Vocabulary,
): void {
  if (gift.target.tier !== 'production') return
  checkProposals(box, gift, grant, vocabulary)
  checkReusable(grant, box, gift, vocabulary)
  checkRunner(policy, grant, box, gift, vocabulary)
  checkProof(grant, box, gift, vocabulary)
}

function checkProposals(box: Box, gift: Gift, grant: PolicyGrant, { faults, issuer }: Vocabulary): void {
  const { event } = issuer.schema.parts
  const events = box.get(event?.claim ?? '')
  const proposal = event?.proposal.find((value) => has(events?.lang ?? everything, value))
  if (proposal === undefined) return
  const access = accessOfGift(gift)
  const place = events?.sayings[0]?.place ?? grant.place
  const message = `\`${proposal}\` reaches production target \`${gift.target.name}\` (${access})`
  const hint = 'whoever proposes a change writes what runs'
  if (access === 'read') faults.warning('P012', place, message, hint)
  else faults.error('P012', place, message, hint)
}

function checkReusable(grant: PolicyGrant, box: Box, gift: Gift, vocabulary: Vocabulary): void {
  const version = vocabulary.issuer.schema.parts.workflow?.version
  if (version === undefined || !limitsWorkflow(box, vocabulary)) return
  if (limitsPin(box, version, vocabulary)) return
  const place = box.get(version)?.sayings[0]?.place ?? grant.place
  const message = `the reusable workflow gives production target \`${gift.target.name}\` from any of its branches`
  vocabulary.faults.error(
    'P019',
    place,
    message,
    'pin it to a tag, a branch or a commit: ref: { like: "refs/tags/v*" }',
  )
}

function checkRunner(
  policy: Policy,
  grant: PolicyGrant,
  box: Box,
  gift: Gift,
  { faults, issuer }: Vocabulary,
): void {
  const { runner } = issuer.schema.parts
  if (runner === undefined || !has(box.get(runner.claim)?.lang ?? everything, runner.own)) return
  const denies = policy.index.get(issuer.name)?.get(gift.target.name)?.denies ?? []
  const refused = denies
    .flatMap((deny) => deny.boxes)
    .some((each) => {
      const condition = each.get(runner.claim)
      return each.size === 1 && condition !== undefined && has(condition.lang, runner.own)
    })
  if (refused) return
  const message = `grant \`${grant.name}\` gives \`${gift.target.name}\` to self-hosted runners too`
  faults.warning('P020', grant.place, message, `exclude ${runner.own} with ${runner.claim}:`)
}

/** An environment is only a name in the job, a tag pattern only a name that somebody pushed. */
function checkProof(grant: PolicyGrant, box: Box, gift: Gift, vocabulary: Vocabulary): void {
  if (limitsWorkflow(box, vocabulary)) return
  const { faults, issuer } = vocabulary
  const { environment: named = '', ref: claim = '' } = issuer.schema.parts
  const environment = limits(box, named, vocabulary)
  const ref = box.get(claim)
  if (environment && !limitsPin(box, claim, vocabulary)) {
    const message = `grant \`${grant.name}\` gives \`${gift.target.name}\` by environment alone; a job only names it`
    faults.warning('P024', grant.place, message, 'add branch: and ref_protected: true')
  }
  const patterned = ref?.sayings.find(({ operator }) => operator === 'like')
  if (environment || ref === undefined || patterned === undefined || listed(ref.lang) !== undefined) return
  if (!patterned.values.every((value) => value.startsWith('refs/tags/'))) return
  const message = `anyone who can push tags gets \`${gift.target.name}\``
  faults.warning('P025', patterned.place, message, 'add environment:')
}
