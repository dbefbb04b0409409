/**
 * github-subject: `sub` is never an identity here, but when it has the exact default form it must not contradict the
 * claims. Any other text is a customised template, which repository administrators choose, and says nothing.
 */
import { foldAscii } from './fold.ts'

const name = '([^/:@]+)'
const defaultForm = new RegExp(
  `^repo:(?:${name}/${name}|${name}@([0-9]+)/${name}@([0-9]+)):(?:ref:([^:]+)|environment:([^:]+)|pull_request)$`,
)

/** Where GitHub escapes colons only, comparing is safe; what it does to other characters is not documented. */
const plain = /^[\w./: -]+$/

/** The claim that the default form of `sub` contradicts. `claim` reads a claim as text, `undefined` if missing. */
export function subjectContradicts(
  subject: string,
  claim: (name: string) => string | undefined,
): string | undefined {
  const form = defaultForm.exec(subject)
  if (form === null) return undefined
  const [, owner, repo, ownerNow, ownerId, repoNow, repoId, ref, environment] = form
  const repository = `${owner ?? ownerNow}/${repo ?? repoNow}`
  if (foldAscii(repository) !== foldAscii(claim('repository') ?? '')) return 'repository'
  if (ownerId !== undefined && ownerId !== claim('repository_owner_id')) return 'repository_owner_id'
  if (repoId !== undefined && repoId !== claim('repository_id')) return 'repository_id'
  if (ref !== undefined && ref !== claim('ref')) return 'ref'
  if (environment !== undefined && !sameEnvironment(environment, claim('environment'))) return 'environment'
  return undefined
}

/** The claim is escaped as GitHub escapes it in `sub`; the subject is never unescaped (`a%3Ab` is not `a:b`). */
function sameEnvironment(inSubject: string, claimed: string | undefined): boolean {
  if (claimed === undefined) return false
  if (!plain.test(claimed)) return true
  const folded = foldAscii(claimed)
  const given = foldAscii(inSubject)
  return (
    given === folded.replaceAll(':', '%3a') || given === folded.replaceAll(':', '%3a').replaceAll(' ', '%20')
  )
}
