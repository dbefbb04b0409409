/**
 * load: policy files to a policy, or to every fault at once. Parse, read, build, check for dangerous rules, prove
 * the guardrails, run the policy's own tests. There is no permissive fallback: a policy with one error is no policy.
 */
import { checkGrants } from './check/grants.ts'
import { checkGuardrails } from './check/guardrails.ts'
import { checkTested } from './check/tested.ts'
import { indexGrants } from './grant-index.ts'
import type { Policy, PolicyIssuer, PolicyTarget } from './policy.ts'
import type { Place, Problem } from './problem.ts'
import type { Proof } from './prove.ts'
import { baselineGuardrails } from './read/baseline.ts'
import { named } from './read/conditions.ts'
import { Faults } from './read/faults.ts'
import { readGuardrail } from './read/guardrails.ts'
import { readIssuer } from './read/issuers.ts'
import { emptyLock, type Lock, readLock } from './read/lock.ts'
import { gatherSections, type Sections } from './read/policy-file.ts'
import { runPolicyTests } from './read/policy-tests.ts'
import { readDeny, readGrant, type Targets } from './read/rules.ts'
import { Names } from './read/shape.ts'
import { readTarget } from './read/targets.ts'
import type { Tree } from './read/tree.ts'
import type { Vocabularies, Vocabulary } from './read/vocabulary.ts'

export interface SourceFile {
  readonly path: string
  readonly text: string
}

export type Loaded =
  | {
      readonly ok: true
      readonly policy: Policy
      readonly warnings: readonly Problem[]
      /** One for each guardrail, the baseline's too. */
      readonly proofs: readonly Proof[]
    }
  /** `proofs` is empty when the policy had faults before anything could be proved. */
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly proofs: readonly Proof[] }

/**
 * Loads one policy. `files` are read together, in any order; `lock` translates names to ids. All faults come in one
 * go, ordered by file, line and column.
 */
export function loadPolicy(files: readonly SourceFile[], lock?: SourceFile): Loaded {
  const faults = new Faults()
  const made = read(files, lock, faults)
  const problems = faults.all()
  return made === undefined || faults.failed
    ? { ok: false, problems, proofs: made?.proofs ?? [] }
    : { ok: true, policy: made.policy, warnings: problems, proofs: made.proofs }
}

function read(
  files: readonly SourceFile[],
  lockFile: SourceFile | undefined,
  faults: Faults,
): { readonly policy: Policy; readonly proofs: readonly Proof[] } | undefined {
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
  const policy = build(sections, vocabularies, faults, start)
  if (!faults.failed && policy.grants.length === 0) {
    faults.error('P000', start, 'the policy grants nothing; it is empty or cut off', 'add grants:')
  }
  // A policy with faults is only half there: its tests would fail for reasons that the author already sees.
  if (!faults.failed) for (const vocabulary of vocabularies.values()) checkGrants(policy, vocabulary)
  if (faults.failed) return { policy, proofs: [] }
  const proofs = checkGuardrails(policy, faults)
  checkTested(policy, runPolicyTests(sections.tests, policy, vocabularies, faults), faults)
  return { policy, proofs }
}

function vocabularyFor(issuer: PolicyIssuer, sections: Sections, lock: Lock, faults: Faults): Vocabulary {
  const { lists, who } = sections
  const fresh = { read: new Map(), reading: new Set<string>(), patterns: new Map(), spellings: new Map() }
  return { issuer, lock, lists, who, faults, ...fresh }
}

function build(sections: Sections, vocabularies: Vocabularies, faults: Faults, start: Place): Policy {
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
  return {
    issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])),
    targets,
    audiences: audiences(targets, faults),
    grants,
    denies,
    guardrails,
    index: indexGrants(issuers, targets.values(), grants, denies, guardrails),
  }
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
