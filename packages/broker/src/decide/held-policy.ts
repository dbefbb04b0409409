import { Failure } from '../base/failure.ts'
import type { PolicyInForce } from './policies.ts'

/** The policy in force. */
export interface HeldPolicy {
  /** Ask anew for each request. Throws `internal` when there is none: an operator works without one. */
  readonly inForce: () => PolicyInForce
  /** Puts another policy into force, in one step. */
  readonly adopt: (next: PolicyInForce) => void
  /** Seconds: the longest life of a token that any policy gave since the start. */
  readonly longestToken: () => number
}

/** Where no policy says how long tokens live, keys stay published as if they lived for a day. */
const unknownLife = 86_400

export function holdPolicy(first: PolicyInForce | undefined): HeldPolicy {
  let current = first
  let longest = first === undefined ? unknownLife : longestOf(first)
  return {
    inForce: () => {
      if (current === undefined) throw new Failure('internal', { reason: 'no policy is in force here' })
      return current
    },
    adopt: (next) => {
      // Tokens of the policy before live on: the time for which keys stay published only grows.
      longest = Math.max(longest, longestOf(next))
      current = next
    },
    longestToken: () => longest,
  }
}

function longestOf({ policy }: PolicyInForce): number {
  return Math.max(60, ...[...policy.targets.values()].map((target) => target.maxSeconds))
}
