/**
 * decide: may they? It loads the policy, keeps the one that is in force, and turns a principal and a request into
 * a permission or a refusal. The thinking itself is `@mayfly/policy`. After loading it does no I/O, and the same
 * policy, principal and request always give the same answer. The exchange calls it.
 */
import { createHash } from 'node:crypto'
import { buildPolicy } from '@mayfly/policy/build'
import { loadPolicy } from '@mayfly/policy/load'
import type { Policy } from '@mayfly/policy/policy'
import { formatProblem, type Problem, type SourceFile } from '@mayfly/policy/problem'
import { Faults } from '@mayfly/policy/read/faults'

/** A policy in force, and the digest by which the log names it. */
export interface PolicyInForce {
  readonly policy: Policy
  /** SHA-256 over names and bytes of all its files, hex. */
  readonly digest: string
  readonly warnings: readonly Problem[]
}

export interface PolicySources {
  readonly files: readonly SourceFile[]
  readonly lock?: SourceFile
}

/** Loads a policy. Throws `PolicyFault` with every fault at once; there is no permissive fallback. */
export function openPolicy(sources: PolicySources): PolicyInForce {
  const loaded = loadPolicy(sources.files, sources.lock)
  if (!loaded.ok) throw new PolicyFault(loaded.problems, sources)
  return { policy: loaded.policy, digest: sourcesDigest(sources), warnings: loaded.warnings }
}

/**
 * Builds a policy whose very bytes were loaded before, in another thread, with these warnings: its checks, proofs and
 * tests are not made a second time. Throws `PolicyFault` when not even building works.
 */
export function openChecked(sources: PolicySources, warnings: readonly Problem[]): PolicyInForce {
  const faults = new Faults()
  const built = buildPolicy(sources.files, sources.lock, faults)
  if (built === undefined || faults.failed) throw new PolicyFault(faults.all(), sources)
  return { policy: built.policy, digest: sourcesDigest(sources), warnings }
}

/** The policy cannot be used. `problems` say what, where and how to mend it. */
export class PolicyFault extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], sources: PolicySources) {
    const texts = new Map(
      [...sources.files, ...(sources.lock ? [sources.lock] : [])].map((f) => [f.path, f.text]),
    )
    super(problems.map((problem) => formatProblem(problem, texts.get(problem.path))).join('\n'))
    this.name = 'PolicyFault'
    this.problems = problems
  }
}

/** Names a policy by its files. Lengths go into the hash, so that no two sets of files share one. */
export function sourcesDigest(sources: PolicySources): string {
  const hash = createHash('sha256')
  const files = [...sources.files, ...(sources.lock ? [sources.lock] : [])]
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1)
    hash.update(`${name.length}:${name}${Buffer.byteLength(file.text)}:`).update(file.text)
  }
  return hash.digest('hex')
}
