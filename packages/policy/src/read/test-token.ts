/** test-token: the claims of a test's token. What the test does not say comes from a typical token of the policy. */

import { didYouMean } from '../nearest.ts'
import { foldAscii } from '../schema/fold.ts'
import { meaningOf } from './conditions.ts'
import { mapOf } from './shape.ts'
import type { Entry, ScalarTree, Tree } from './tree.ts'
import type { Meaning, Vocabulary } from './vocabulary.ts'

type Claims = Map<string, string>

/** A claims object as a verified token has it; `undefined` when there was a fault. */
export function readTestToken(
  tree: Tree,
  vocabulary: Vocabulary,
): Readonly<Record<string, unknown>> | undefined {
  const map = mapOf(tree, 'a token', vocabulary.faults)
  if (map === undefined) return undefined
  const said: Claims = new Map()
  const good = map.entries.map((entry) => put(entry, said, vocabulary))
  return good.every(Boolean) ? Object.fromEntries([...typical(said, vocabulary), ...said]) : undefined
}

function put(entry: Entry, said: Claims, vocabulary: Vocabulary): boolean {
  const { key, value } = entry
  const { faults } = vocabulary
  if (value.is === 'map' || value.is === 'list' || value.is === 'null') {
    faults.error('P022', value.place, `\`${key}\` needs one exact value`)
    return false
  }
  if (key === 'workflow' || key === 'job_workflow_ref') {
    said.set('job_workflow_ref', value.text)
    return true
  }
  const meaning = meaningOf(entry, vocabulary)
  if (meaning === undefined) return false
  if (meaning.claim.name.startsWith('workflow.')) {
    faults.error(
      'P022',
      entry.place,
      `a token has no \`${key}\``,
      'write workflow: OWNER/REPO/.github/workflows/FILE@REF',
    )
    return false
  }
  if (meaning.section !== undefined) return putNamed(value, meaning, said, vocabulary)
  said.set(meaning.claim.name, meaning.prefix + value.text)
  return true
}

function putNamed(value: ScalarTree, meaning: Meaning, said: Claims, vocabulary: Vocabulary): boolean {
  const section = meaning.section ?? 'repos'
  const name = foldAscii(value.text)
  const id = vocabulary.lock[section].get(name)
  if (id === undefined) {
    const hint = didYouMean(name, vocabulary.lock[section].keys()) ?? 'run `policy lock`'
    vocabulary.faults.error(
      'P013',
      value.place,
      `\`${value.text}\` is not in the lock's \`${section}\``,
      hint,
    )
    return false
  }
  said.set(meaning.claim.name, id)
  if (section === 'repos') said.set('repository', name)
  if (section === 'users') said.set('actor', name)
  if (section === 'owners') said.set('repository_owner', name)
  return true
}

/** A push to a protected main branch by somebody, and whatever follows from what the test said. */
function typical(said: Claims, { owners, lock }: Vocabulary): Claims {
  const [firstOwner = 'owner'] = owners.keys()
  const repository = said.get('repository') ?? `${said.get('repository_owner') ?? firstOwner}/typical`
  const owner = said.get('repository_owner') ?? repository.split('/')[0] ?? ''
  const ref = said.get('ref') ?? 'refs/heads/main'
  const claims: Claims = new Map([
    ['repository', repository],
    ['repository_id', '1'],
    ['repository_owner', owner],
    ['repository_owner_id', lock.owners.get(foldAscii(owner)) ?? '1'],
    ['actor', 'somebody'],
    ['actor_id', '1'],
    ['event_name', 'push'],
    ['runner_environment', 'github-hosted'],
    ['repository_visibility', 'private'],
    ['ref', ref],
    ['ref_type', ref.startsWith('refs/tags/') ? 'tag' : 'branch'],
    ['ref_protected', 'true'],
  ])
  if (ref !== '') claims.set('job_workflow_ref', `${repository}/.github/workflows/ci.yml@${ref}`)
  return claims
}
