/** failing: which conditions of a box a token misses, how far it is away, and what would mend it. */
import type { Box, Condition, TokenClaims } from './box.ts'
import { has, listed } from './lang.ts'
import { editDistance } from './nearest.ts'
import { claimIn, memberIn, valuesIn } from './schema/list-claims.ts'
import type { IssuerSchema } from './schema/schema.ts'

/** One condition that does not hold. `got` is `null` when the claim is missing; of a list, the values that the policy names. */
export interface FailingCondition {
  readonly claim: string
  readonly got: string | null
  readonly needed: string
  readonly hint?: string
}

export function failingConditions(
  box: Box,
  token: TokenClaims,
  schema: IssuerSchema,
): readonly FailingCondition[] {
  return [...box.values()]
    .filter((condition) => !has(condition.lang, token.get(condition.claim)))
    .map((condition) => {
      const got = token.get(condition.claim)
      const hint = hintFor(condition, got, token, schema)
      const { claim, needed } = condition
      const list = claimIn(claim)
      if (memberIn(claim) !== undefined) return { claim: list, got: valuesIn(token, list), needed }
      return { claim, got: got ?? null, needed, ...(hint === undefined ? {} : { hint }) }
    })
}

/**
 * Does the box speak of the token's own repository, owner and workflow, or what the issuer has instead? Where nobody
 * knows which claims say whose job it is, all of them do.
 */
export function visibleTo(box: Box, token: TokenClaims, { parts, properties }: IssuerSchema): boolean {
  const whose = [
    ...(parts.identities.length === 0 ? box.keys() : parts.identities),
    ...(parts.workflow?.names ?? []),
    parts.workflow?.version,
    parts.tenant?.claim,
  ]
  // A declared property says whose job it is as a repository does.
  const prefix = properties?.prefix
  const declared = prefix === undefined ? [] : [...box.keys()].filter((claim) => claim.startsWith(prefix))
  return [...whose, ...declared].every((claim) => {
    const condition = box.get(claim ?? '')
    return condition === undefined || has(condition.lang, token.get(condition.claim))
  })
}

/** The nearest miss first: another repository is further away than another branch. */
export function costOf(box: Box, token: TokenClaims, schema: IssuerSchema): number {
  let cost = 0
  for (const { claim, lang } of box.values()) if (!has(lang, token.get(claim))) cost += weight(claim, schema)
  return cost
}

function weight(claim: string, { parts }: IssuerSchema): number {
  const [repository, ...file] = parts.workflow?.names ?? []
  if (claim === repository) return 5
  if (file.includes(claim)) return 4
  if (parts.identities.includes(claim)) return 8
  return claim === parts.actor ? 3 : 2
}

function hintFor(
  condition: Condition,
  got: string | undefined,
  token: TokenClaims,
  { parts, mend }: IssuerSchema,
): string | undefined {
  const { claim, names } = condition
  const wanted = [...(listed(condition.lang) ?? [])]
  if (claim === parts.environment && got === undefined && wanted.length > 0) {
    return `add \`environment: ${wanted[0]}\` to the job`
  }
  if (claim === parts.ref && got?.startsWith('refs/pull/'))
    return 'runs on pull_request; push to the branch instead'
  if (claim === 'repository_id' && names.includes(token.get('repository') ?? '')) {
    return 'the repository was re-created under the same name; `mayfly policy lock` shows both ids, and asks which is meant'
  }
  if (/_id$/.test(claim)) return undefined
  const near =
    got === undefined
      ? undefined
      : wanted.find((value) => value.toLowerCase() === got.toLowerCase() || isTypo(got, value))
  return near === undefined ? mend?.(claim, wanted) : `did you mean \`${near}\`?`
}

/** Two edits in a word of three letters are another word. */
function isTypo(got: string, value: string): boolean {
  if (got.length > 200) return false
  const most = Math.min(2, Math.floor(Math.min(got.length, value.length) / 3))
  return Math.abs(got.length - value.length) <= most && editDistance(got, value) <= most
}
