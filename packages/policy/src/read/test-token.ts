/** test-token: the claims of a test's token. What the test does not say comes from a typical token of the policy. */

import { didYouMean } from '../nearest.ts'
import { foldAscii } from '../schema/fold.ts'
import { meaningOf } from './conditions.ts'
import { notLocked } from './lock.ts'
import { isList, memberNames } from './members.ts'
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
  return good.every(Boolean) ? filled(said, vocabulary) : undefined
}

function put(entry: Entry, said: Claims, vocabulary: Vocabulary): boolean {
  const { key, value } = entry
  const { faults } = vocabulary
  if (isList(key, vocabulary)) {
    const members = memberNames(key, value, vocabulary)
    for (const name of members ?? []) said.set(name, 'true')
    return members !== undefined
  }
  if (value.is === 'map' || value.is === 'list' || value.is === 'null') {
    faults.error('P022', value.place, `\`${key}\` needs one exact value`)
    return false
  }
  if (vocabulary.issuer.schema.workflow && (key === 'workflow' || key === 'job_workflow_ref')) {
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
    const hint = didYouMean(name, vocabulary.lock[section].keys()) ?? 'run `mayfly policy lock`'
    vocabulary.faults.error('P013', value.place, notLocked(value.text, section), hint)
    return false
  }
  said.set(meaning.claim.name, id)
  if (section === 'repos') said.set('repository', name)
  if (section === 'users') said.set('actor', name)
  if (section === 'owners' && !said.has('repository')) said.set('repository', `${name}/typical`)
  return true
}

/** An everyday token with what the test said put in. Values that intake would refuse stay as they were written. */
function filled(said: Claims, { issuer, lock }: Vocabulary): Readonly<Record<string, unknown>> {
  const { schema, tenants, properties } = issuer
  const declared = new Set(properties.map((name) => (schema.properties?.prefix ?? '') + name))
  const known: Claims = new Map([...said].filter(([name, value]) => value !== '' && schema.claims.has(name)))
  const workflow = schema.workflow?.(said.get('job_workflow_ref') ?? '')
  if (workflow !== undefined) {
    for (const part of ['repo', 'file', 'ref'] as const) known.set(`workflow.${part}`, workflow[part])
  }
  const owners = schema.parts.tenant?.section === 'owners' ? [...lock.owners] : []
  const typical = schema.typical(known, new Map([...tenants, ...owners]))
  const isClaim = ([name]: readonly [string, string]) => schema.claims.has(name) || declared.has(name)
  const whole = new Map([...typical, ...[...said].filter(isClaim)])
  return { ...schema.present(whole), ...Object.fromEntries([...said].filter((pair) => !isClaim(pair))) }
}
