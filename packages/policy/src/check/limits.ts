/** limits: how much a box says about a claim. A condition that leaves out only a few values says nothing. */
import type { Box } from '../box.ts'
import { contains, narrows } from '../lang.ts'
import type { Access, Gift } from '../policy.ts'
import { greatest } from '../read/kinds.ts'
import type { Vocabulary } from '../read/vocabulary.ts'

/** What the given scopes allow; without scopes, what the target allows. */
export function accessOfGift({ target, scopes }: Gift): Access {
  if (scopes.length === 0) return target.access
  return greatest(scopes.map((scope) => target.scopes.get(scope) ?? target.access))
}

/** Does the box say something about the claim, more than leaving out a few values? */
export function limits(box: Box, claim: string, { issuer }: Vocabulary): boolean {
  const condition = box.get(claim)
  if (condition === undefined || condition.sayings.every(({ operator }) => operator === 'default'))
    return false
  const { schema } = issuer
  const name = claim.startsWith(schema.propertyPrefix) ? claim.slice(schema.propertyPrefix.length) : ''
  const whole = schema.claims.get(claim)?.domain ?? schema.property(name).domain
  return narrows(condition.lang, whole)
}

/** A ref that is at least not any branch. */
export function limitsRef(box: Box, claim: 'ref' | 'workflow.ref', vocabulary: Vocabulary): boolean {
  const condition = box.get(claim)
  if (condition === undefined || !limits(box, claim, vocabulary)) return false
  return !contains(condition.lang, vocabulary.issuer.schema.anyBranch)
}

export function limitsWorkflow(box: Box, vocabulary: Vocabulary): boolean {
  return limits(box, 'workflow.repo', vocabulary) || limits(box, 'workflow.file', vocabulary)
}
