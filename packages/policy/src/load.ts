/**
 * load: policy files to a policy, or to every fault at once. Parse, read, check for dangerous rules, build, run the
 * policy's own tests. There is no permissive fallback: a policy with one error is no policy.
 */
import { checkGrants } from './check/grants.ts'
import { checkTested } from './check/tested.ts'
import { indexGrants } from './grant-index.ts'
import type { Policy, PolicyTarget, TargetDefinition } from './policy.ts'
import type { Problem } from './problem.ts'
import { named } from './read/conditions.ts'
import { Faults } from './read/faults.ts'
import { readIssuer } from './read/issuers.ts'
import { emptyLock, readLock } from './read/lock.ts'
import { gatherSections, type Sections } from './read/policy-file.ts'
import { runPolicyTests } from './read/policy-tests.ts'
import { readDeny, readGrant, type Targets } from './read/rules.ts'
import { Names } from './read/shape.ts'
import { readTarget } from './read/targets.ts'
import type { Vocabulary } from './read/vocabulary.ts'

export interface SourceFile {
  readonly path: string
  readonly text: string
}

export type Loaded =
  | { readonly ok: true; readonly policy: Policy; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Loads one policy. `files` are read together, in any order; `lock` translates names to ids. All faults come in one
 * go, ordered by file, line and column.
 */
export function loadPolicy(files: readonly SourceFile[], lock?: SourceFile): Loaded {
  const faults = new Faults()
  const policy = read(files, lock, faults)
  const problems = faults.all()
  return policy === undefined || faults.failed
    ? { ok: false, problems }
    : { ok: true, policy, warnings: problems }
}

function read(
  files: readonly SourceFile[],
  lockFile: SourceFile | undefined,
  faults: Faults,
): Policy | undefined {
  if (files.length === 0) {
    const message = 'there is no policy file'
    faults.error(
      'P000',
      { path: '', line: 1, column: 1 },
      message,
      'an empty policy is refused, not read as "deny all"',
    )
    return undefined
  }
  const lock = lockFile === undefined ? emptyLock : readLock(lockFile, faults)
  const sections = gatherSections(files, faults)
  const [first, second] = sections.issuers.map((entry) => readIssuer(entry, lock, faults))
  if (first === undefined || second !== undefined) {
    const place = { path: files[0]?.path ?? '', line: 1, column: 1 }
    if (!faults.failed)
      faults.error('P008', place, 'the policy names no issuer', 'add issuers: { github: { owners: [...] } }')
    return undefined
  }
  const { issuer, owners } = first
  const vocabulary: Vocabulary = {
    issuer,
    owners,
    lock,
    lists: sections.lists,
    who: sections.who,
    faults,
    read: new Map(),
    reading: new Set(),
    patterns: new Map(),
    spellings: new Map(),
  }
  const policy = build(sections, vocabulary)
  if (!faults.failed && policy.grants.length === 0) {
    const place = { path: files[0]?.path ?? '', line: 1, column: 1 }
    faults.error('P000', place, 'the policy grants nothing; it is empty or cut off', 'add grants:')
  }
  // A policy with faults is only half there: its tests would fail for reasons that the author already sees.
  if (!faults.failed) checkGrants(policy, vocabulary)
  if (!faults.failed) checkTested(policy, runPolicyTests(sections.tests, policy, vocabulary), vocabulary)
  return policy
}

function build(sections: Sections, vocabulary: Vocabulary): Policy {
  const { faults, issuer } = vocabulary
  const declared: Targets = new Map(sections.targets.map((entry) => [entry.key, readTarget(entry, faults)]))
  const full = [...declared.values()].filter((target) => target !== undefined)
  for (const entry of sections.whoPlaces) named(entry.key, entry.value, vocabulary)
  const grantNames = new Names('grant')
  const denyNames = new Names('deny rule')
  const grants = sections.grants
    .map((tree) => readGrant(tree, declared, grantNames, vocabulary))
    .filter((grant) => grant !== undefined)
  const denies = sections.deny
    .map((tree) => readDeny(tree, declared, denyNames, vocabulary))
    .filter((deny) => deny !== undefined)
  const targets = new Map(full.map((target) => [target.name, definition(target)]))
  return {
    issuers: new Map([[issuer.name, issuer]]),
    targets,
    audiences: audiences(full, targets, vocabulary),
    grants,
    denies,
    index: indexGrants([issuer], full, grants, denies),
  }
}

/** The public part of a target. */
function definition({ name, tier, access, maxSeconds, kind, settings }: PolicyTarget): TargetDefinition {
  return { name, tier, access, maxSeconds, kind, settings }
}

/**
 * Each target has an audience of its own. Whoever accepts a token looks at its audience, so a token for staging must
 * be refused in production, and a token that may read must be refused where another target pays out.
 */
function audiences(
  full: readonly PolicyTarget[],
  targets: ReadonlyMap<string, TargetDefinition>,
  { faults }: Vocabulary,
): ReadonlyMap<string, TargetDefinition> {
  const found = new Map<string, TargetDefinition>()
  for (const { name, audience, place } of full) {
    const target = targets.get(name)
    if (audience === undefined || target === undefined) continue
    const other = found.get(audience)
    if (other === undefined) found.set(audience, target)
    else {
      const message = `targets \`${other.name}\` and \`${name}\` have the same audience`
      faults.error('P035', place, message, 'each target names an audience of its own')
    }
  }
  return found
}
