/**
 * load: policy files to a policy, or to every fault at once. Build, check for dangerous rules, prove the guardrails,
 * run the policy's own tests. There is no permissive fallback: a policy with one error is no policy.
 */
import { TooLarge } from './automaton.ts'
import { buildPolicy } from './build.ts'
import { checkDelegations } from './check/delegations.ts'
import { checkGrants } from './check/grants.ts'
import { checkGuardrails } from './check/guardrails.ts'
import { checkTested } from './check/tested.ts'
import type { Policy } from './policy.ts'
import type { Problem, SourceFile } from './problem.ts'
import type { Proof } from './prove.ts'
import { Faults } from './read/faults.ts'
import { runPolicyTests, type TestResult } from './read/policy-tests.ts'

export type Loaded =
  | {
      readonly ok: true
      readonly policy: Policy
      readonly warnings: readonly Problem[]
      /** One for each guardrail, the baseline's too. */
      readonly proofs: readonly Proof[]
      readonly tests: readonly TestResult[]
    }
  /** `proofs` and `tests` are empty when the policy had faults before anything could be proved. */
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      readonly proofs: readonly Proof[]
      readonly tests: readonly TestResult[]
    }

/**
 * Loads one policy. `files` are read together, in any order; `lock` translates names to ids. All faults come in one
 * go, ordered by file, line and column.
 */
export function loadPolicy(files: readonly SourceFile[], lock?: SourceFile): Loaded {
  const faults = new Faults()
  const made = checkWithin(files, lock, faults)
  const problems = faults.all()
  return made === undefined || faults.failed
    ? { ok: false, problems, proofs: made?.proofs ?? [], tests: made?.tests ?? [] }
    : { ok: true, ...made, warnings: problems }
}

/** A policy that would take too much to understand is refused like any other fault; it never ends the process. */
function checkWithin(...[files, lock, faults]: Parameters<typeof check>): Checked | undefined {
  try {
    return check(files, lock, faults)
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    const start = { path: files[0]?.path ?? '', line: 1, column: 1 }
    const what =
      thrown instanceof TooLarge ? 'its patterns are too large together' : 'it is nested too deeply'
    faults.error('P038', start, `the policy cannot be checked: ${what}`, 'split the rules')
    return undefined
  }
}

interface Checked {
  readonly policy: Policy
  readonly proofs: readonly Proof[]
  readonly tests: readonly TestResult[]
}

function check(
  files: readonly SourceFile[],
  lock: SourceFile | undefined,
  faults: Faults,
): Checked | undefined {
  const built = buildPolicy(files, lock, faults)
  if (built === undefined) return undefined
  const { policy, delegations, vocabularies } = built
  const unchecked = { policy, proofs: [], tests: [] }
  // A policy with faults is only half there: its tests would fail for reasons that the author already sees.
  if (faults.failed) return unchecked
  checkDelegations(policy, delegations, faults)
  for (const vocabulary of vocabularies.values()) checkGrants(policy, vocabulary)
  if (faults.failed) return unchecked
  const proofs = checkGuardrails(policy, faults)
  const tests = runPolicyTests(built.tests, policy, vocabularies, faults)
  checkTested(policy, tests, faults)
  return { policy, proofs, tests }
}
