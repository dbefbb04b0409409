/** limits: how much a box says about a claim. A condition that leaves out only a few values says nothing. */
import type { Box } from '../box.ts'
import { contains, narrows } from '../lang.ts'
import { type Access, type Gift, type PolicyIssuer, wholeOf } from '../policy.ts'
import { greatest } from '../read/kinds.ts'
import type { Vocabulary } from '../read/vocabulary.ts'
import { claimIn, memberIn } from '../schema/list-claims.ts'
import type { Shorthand } from '../schema/schema.ts'

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
  // Of a value that a list may have, being there is all that can be said.
  if (memberIn(claim) !== undefined) return !condition.lang.missing
  return narrows(condition.lang, wholeOf(issuer, claim))
}

/** More than values that anybody who can push may make. */
export function limitsPin(box: Box, claim: string, vocabulary: Vocabulary): boolean {
  const condition = box.get(claim)
  if (condition === undefined || !limits(box, claim, vocabulary)) return false
  const anybodys = vocabulary.issuer.schema.parts.anybodys.get(claim)
  return anybodys === undefined || !contains(condition.lang, anybodys)
}

export function limitsWorkflow(box: Box, vocabulary: Vocabulary): boolean {
  const names = vocabulary.issuer.schema.parts.workflow?.names ?? []
  return names.some((claim) => limits(box, claim, vocabulary))
}

/** What an author writes to limit one of the claims: `branch:, tag: or environment:`. */
export function wordsFor(claims: readonly string[], { schema }: PolicyIssuer): string {
  const words = claims.flatMap((name) => {
    const keys = [...schema.shorthands].filter(([, short]) =>
      short.to === 'workflow' ? name.startsWith('workflow.') : named(short, name),
    )
    return keys.length === 0 ? [claimIn(name)] : keys.map(([key]) => key)
  })
  const [last = '', ...rest] = [...new Set(words)].map((word) => `${word}:`).reverse()
  return rest.length === 0 ? last : `${rest.reverse().join(', ')} or ${last}`
}

function named(short: Exclude<Shorthand, { to: 'workflow' }>, claim: string): boolean {
  return short.claim === claim || short.patternClaim === claim
}
