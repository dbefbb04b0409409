/** explain: why not, and what to change. Off the hot path. */
import { type DecisionRequest, decide } from './decide.ts'
import type { Policy } from './policy.ts'

export interface Explanation {
  readonly summary: string
  readonly grants: readonly {
    readonly grant: string
    readonly failing: readonly {
      readonly claim: string
      readonly got: string | null
      readonly needed: string
      readonly hint?: string
    }[]
  }[]
}

export function explain(
  policy: Policy,
  request: DecisionRequest,
  _reader: 'caller' | 'administrator',
): Explanation {
  const decision = decide(policy, request)
  return { summary: decision.allowed ? 'allowed' : decision.reason, grants: [] }
}
