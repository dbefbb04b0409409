/** failing: which conditions of a box a token misses, how far it is away, and what would mend it. */
import type { Box, Condition, TokenClaims } from './box.ts'
import { has, listed } from './lang.ts'
import { editDistance } from './nearest.ts'

/** One condition that does not hold. `got` is `null` when the claim is missing. */
export interface FailingCondition {
  readonly claim: string
  readonly got: string | null
  readonly needed: string
  readonly hint?: string
}

export function failingConditions(box: Box, token: TokenClaims): readonly FailingCondition[] {
  return [...box.values()]
    .filter((condition) => !has(condition.lang, token.get(condition.claim)))
    .map((condition) => {
      const got = token.get(condition.claim)
      const hint = hintFor(condition, got, token)
      const { claim, needed } = condition
      return { claim, got: got ?? null, needed, ...(hint === undefined ? {} : { hint }) }
    })
}

/** The claims by which a box says whose job it means. */
const identity = /^repository(_id|_owner_id)?$|^workflow\./

/** Does the box speak of the token's own repository, owner and workflow? */
export function visibleTo(box: Box, token: TokenClaims): boolean {
  return box
    .values()
    .every((condition) => !identity.test(condition.claim) || has(condition.lang, token.get(condition.claim)))
}

/** The nearest miss first: another repository is further away than another branch. */
export function costOf(failing: readonly FailingCondition[]): number {
  return failing.reduce((cost, { claim }) => cost + weight(claim), 0)
}

function weight(claim: string): number {
  if (claim.startsWith('repository')) return 8
  if (claim === 'workflow.repo') return 5
  if (claim === 'workflow.file') return 4
  return claim.startsWith('actor') ? 3 : 2
}

function hintFor(condition: Condition, got: string | undefined, token: TokenClaims): string | undefined {
  const { claim, names } = condition
  const wanted = [...(listed(condition.lang) ?? [])]
  if (claim === 'environment' && got === undefined && wanted.length > 0) {
    return `add \`environment: ${wanted[0]}\` to the job`
  }
  if (claim === 'ref' && got?.startsWith('refs/pull/'))
    return 'runs on pull_request; push to the branch instead'
  if (claim === 'repository_id' && names.includes(token.get('repository') ?? '')) {
    return 'the repository was re-created under the same name; `mayfly policy lock` shows both ids, and asks which is meant'
  }
  if (got === undefined || /_id$/.test(claim)) return undefined
  const near = wanted.find((value) => value.toLowerCase() === got.toLowerCase() || isTypo(got, value))
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}

/** Two edits in a word of three letters are another word. */
function isTypo(got: string, value: string): boolean {
  if (got.length > 200) return false
  const most = Math.min(2, Math.floor(Math.min(got.length, value.length) / 3))
  return Math.abs(got.length - value.length) <= most && editDistance(got, value) <= most
}
