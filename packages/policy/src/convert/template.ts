/**
 * template: a job's `sub` under a template of GitHub's (`include_claim_keys`): `KEY:VALUE` for each key, colons inside
 * values written `%3A`. Whoever administers a repository can choose another template, but not what a pair says: a text
 * that has exactly our pairs says them truly, whichever template made it.
 */
import type { PolicyIssuer } from '../policy.ts'
import { Cannot } from './cannot.ts'
import type { ClaimTest, Piece } from './pieces.ts'

/** What a `sub` of the template may be: text for what is known, `*` where anything may stand. */
export interface SubjectForm {
  readonly text: string
  /** Has no `*`. */
  readonly exact: boolean
}

/** Claims that the keys of a template speak of. */
export function claimsIn(keys: readonly string[]): ReadonlySet<string> {
  return new Set(keys.flatMap((key) => (key === 'repo' ? ['repository_id', 'repository_owner_id'] : [key])))
}

const MOST_SUBJECTS = 100

/** Every `sub` that the piece lets in. Throws `Cannot` where a key's claim is neither listed nor open. */
export function subjectsOf(
  keys: readonly string[],
  piece: Piece,
  issuer: PolicyIssuer,
): readonly SubjectForm[] {
  let forms: readonly string[] = ['']
  for (const key of keys) {
    const values = valuesOf(key, piece, issuer)
    forms = forms.flatMap((form) => values.map((value) => `${form}${form === '' ? '' : ':'}${key}:${value}`))
    if (forms.length > MOST_SUBJECTS)
      throw new Cannot(`grant \`${piece.grant.name}\`: more than ${MOST_SUBJECTS} subjects`)
  }
  return forms.map((text) => ({ text, exact: !text.includes('*') }))
}

function valuesOf(key: string, piece: Piece, issuer: PolicyIssuer): readonly string[] {
  if (key === 'repo') return repositories(piece, issuer)
  const tests = piece.tests.get(key)
  if (tests === undefined) return ['*']
  const values = exactly(tests)
  if (values === undefined)
    throw new Cannot(
      `grant \`${piece.grant.name}\`: \`${key}\` must be listed values to be part of a subject`,
    )
  for (const value of values) {
    if (!/^[ -~]+$/.test(value) || /[*?$%]/.test(value) || issuer.schema.claims.has(value))
      throw new Cannot(
        `grant \`${piece.grant.name}\`: \`${value}\` of \`${key}\` cannot be part of a subject safely`,
      )
  }
  return values.map((value) => value.replaceAll(':', '%3A'))
}

/** `OWNER@ID/REPO@ID`: the form that GitHub makes unmistakable; the other has names only, which anybody can take later. */
function repositories(piece: Piece, issuer: PolicyIssuer): readonly string[] {
  const where = `grant \`${piece.grant.name}\``
  const ids = exactly(piece.tests.get('repository_id') ?? [])
  const owners = exactly(piece.tests.get('repository_owner_id') ?? [])
  if (ids === undefined || owners === undefined)
    throw new Cannot(`${where}: a subject with \`repo\` needs repositories by name`)
  return ids.map((id) => {
    const [owner = '', name] = (piece.names.get('repository_id')?.get(id) ?? '').split('/')
    const ownerId = issuer.tenants.get(owner)
    if (name === undefined || ownerId === undefined || !owners.includes(ownerId))
      throw new Cannot(
        `${where}: repository ${id} has no name in the policy, which \`repo\` in a subject needs`,
      )
    return `${owner}@${ownerId}/${name}@${id}`
  })
}

/** The values, when the tests list them. */
export function exactly(tests: readonly ClaimTest[]): readonly string[] | undefined {
  const [only, second] = tests
  return only?.is === 'exact' && second === undefined ? only.values : undefined
}
