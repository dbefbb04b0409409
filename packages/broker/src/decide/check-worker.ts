import { parentPort, workerData } from 'node:worker_threads'
import { diffPolicies } from '@mayfly/policy/diff'
import type { Policy } from '@mayfly/policy/policy'
import type { Problem } from '@mayfly/policy/problem'
import { openPolicy, PolicyFault, type PolicySources } from './policies.ts'
import { type PolicyChange, policyChange } from './policy-change.ts'

export interface CheckRequest {
  readonly next: PolicySources
  /** The sources of the policy in force. */
  readonly before: PolicySources
}

/** What becomes of a changed policy. `change` is absent when it could not be told; that alone stops no policy. */
export type Verdict =
  | { readonly ok: true; readonly warnings: readonly Problem[]; readonly change?: PolicyChange }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly detail: string }

/**
 * Everything about a changed policy that takes long: checks, proofs, the policy's own tests, and what it changes
 * against the one in force.
 */
export function checkPolicy({ next, before }: CheckRequest): Verdict {
  try {
    const { policy, warnings } = openPolicy(next)
    const change = changeBetween(before, policy)
    return { ok: true, warnings, ...(change === undefined ? {} : { change }) }
  } catch (thrown) {
    if (thrown instanceof PolicyFault) return { ok: false, problems: thrown.problems, detail: thrown.message }
    throw thrown
  }
}

/** `undefined` when it could not be told: the policy before was read by another version, or the search gave up. */
function changeBetween(before: PolicySources, after: Policy): PolicyChange | undefined {
  try {
    return policyChange(diffPolicies(openPolicy(before).policy, after))
  } catch {
    return undefined
  }
}

const start = workerData as { readonly mayflyPolicy?: CheckRequest } | undefined
if (parentPort !== null && start?.mayflyPolicy !== undefined) {
  parentPort.postMessage(checkPolicy(start.mayflyPolicy))
}
