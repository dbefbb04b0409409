/**
 * build: policy files to the policy that they say, read and indexed but not yet checked for danger. Whoever calls it
 * and does not go on to the checks of `load` has a policy that must not run.
 */
import { indexGrants } from './grant-index.ts'
import type { Policy, PolicyIssuer, PolicyTarget } from './policy.ts'
import type { Place, SourceFile } from './problem.ts'
import { baselineGuardrails } from './read/baseline.ts'
import { named } from './read/conditions.ts'
import { type Delegation, readDelegations } from './read/delegations.ts'
import { Faults } from './read/faults.ts'
import { readGuardrail } from './read/guardrails.ts'
import { readIssuer } from './read/issuers.ts'
import { emptyLock, type Lock, readLock } from './read/lock.ts'
import { gatherSections, type Sections } from './read/policy-file.ts'
import { readDeny, readGrant, type Targets } from './read/rules.ts'
import { Names } from './read/shape.ts'
import { readTarget } from './read/targets.ts'
import type { Tree } from './read/tree.ts'
import type { Vocabularies, Vocabulary } from './read/vocabulary.ts'

/** What the files say. With faults it is only half there. */
export interface Built {
  readonly policy: Policy
  readonly delegations: readonly Delegation[]
  readonly vocabularies: Vocabularies
  /** Tests are read when they are run. */
  readonly tests: readonly Tree[]
}

export function buildPolicy(
  files: readonly SourceFile[],
  lockFile: SourceFile | undefined,
  faults: Faults,
): Built | undefined {
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
  const start = { path: files[0]?.path ?? '', line: 1, column: 1 }
  const issuers = sections.issuers.map((entry) => readIssuer(entry, lock, faults))
  const known = issuers.filter((issuer) => issuer !== undefined)
  if (known.length === 0 || known.length < issuers.length) {
    if (!faults.failed)
      faults.error('P008', start, 'the policy names no issuer', 'add issuers: { github: { owners: [...] } }')
    return undefined
  }
  const vocabularies = new Map(
    known.map((issuer) => [issuer.name, vocabularyFor(issuer, sections, lock, faults)]),
  )
  const { policy, delegations } = build(sections, vocabularies, faults, start)
  if (!faults.failed && policy.grants.length === 0) {
    faults.error('P000', start, 'the policy grants nothing; it is empty or cut off', 'add grants:')
  }
  return { policy, delegations, vocabularies, tests: sections.tests }
}

function vocabularyFor(issuer: PolicyIssuer, sections: Sections, lock: Lock, faults: Faults): Vocabulary {
  const { lists, who } = sections
  const fresh = { read: new Map(), reading: new Set<string>(), patterns: new Map(), spellings: new Map() }
  return { issuer, lock, lists, who, delegated: sections.delegated, faults, ...fresh }
}

function build(
  sections: Sections,
  vocabularies: Vocabularies,
  faults: Faults,
  start: Place,
): Pick<Built, 'policy' | 'delegations'> {
  const declared: Targets = new Map(sections.targets.map((entry) => [entry.key, readTarget(entry, faults)]))
  const targets = new Map(
    [...declared].filter((pair): pair is [string, PolicyTarget] => pair[1] !== undefined),
  )
  checkNamed(sections, vocabularies)
  const rules = <T>(
    what: string,
    trees: readonly Tree[],
    readRule: (
      tree: Tree,
      targets: Targets,
      names: Names,
      words: Vocabularies,
      faults: Faults,
    ) => T | undefined,
  ): readonly T[] => {
    const names = new Names(what)
    return trees
      .map((tree) => readRule(tree, declared, names, vocabularies, faults))
      .filter((rule) => rule !== undefined)
  }
  const grants = rules('grant', sections.grants, readGrant)
  const denies = rules('deny rule', sections.deny, readDeny)
  const written = rules('guardrail', sections.guardrails, readGuardrail)
  const issuers = [...vocabularies.values()].map(({ issuer }) => issuer)
  const baseline = sections.withoutBaseline === undefined ? baselineGuardrails(issuers, declared, start) : []
  const guardrails = [...written, ...baseline]
  const policy = {
    issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])),
    targets,
    audiences: audiences(targets, faults),
    grants,
    denies,
    guardrails,
    index: indexGrants(issuers, targets.values(), grants, denies, guardrails),
  }
  return { policy, delegations: readDelegations(sections, declared, vocabularies, faults) }
}

/** An entry of `who` that no rule uses is read too: for the issuer that it was written for, whichever that is. */
function checkNamed(sections: Sections, vocabularies: Vocabularies): void {
  const [only, second] = vocabularies.values()
  for (const entry of sections.whoPlaces) {
    if (only === undefined) return
    if (second === undefined) {
      named(entry.key, entry.value, only)
      continue
    }
    const readable = [...vocabularies.values()].some((vocabulary) => {
      const faults = new Faults()
      named(entry.key, entry.value, { ...vocabulary, faults, read: new Map() })
      return !faults.failed
    })
    if (!readable) named(entry.key, entry.value, only)
  }
}

/**
 * Each target has an audience of its own. Whoever accepts a token looks at its audience, so a token for staging must
 * be refused in production, and a token that may read must be refused where another target pays out.
 */
function audiences(
  targets: ReadonlyMap<string, PolicyTarget>,
  faults: Faults,
): ReadonlyMap<string, PolicyTarget> {
  const found = new Map<string, PolicyTarget>()
  for (const target of targets.values()) {
    if (target.audience === undefined) continue
    const other = found.get(target.audience)
    if (other === undefined) found.set(target.audience, target)
    else {
      const message = `targets \`${other.name}\` and \`${target.name}\` have the same audience`
      faults.error('P035', target.place, message, 'each target names an audience of its own')
    }
  }
  return found
}
