import { bodyFits, type RequestAsked, type RequestRule, verdictOf } from '@mayfly/policy/requests'
import type { Budget } from '../base/budget.ts'
import type { PolicyInForce } from './policies.ts'

/** A request as it will be forwarded, and what else in it could mean another one. */
export interface RequestHead extends RequestAsked {
  /** It names another method than its own in a way that some servers follow (`X-HTTP-Method-Override`, `_method`). */
  readonly overrides: boolean
}

/**
 * `yes`: a scope of the token lists it; `writes` unless that scope only reads; `held`: every scope that lists it says that
 * somebody has to approve it first. `body`: one does where `fits` does not say no to the body. `no`: none does; `scopes` are
 * those of the target that would.
 */
export type RequestVerdict =
  | { readonly is: 'yes'; readonly writes: boolean; readonly held?: true }
  | { readonly is: 'body'; readonly writes: boolean; readonly fits: (json: unknown) => 'yes' | 'held' | 'no' }
  | { readonly is: 'no'; readonly reason: string; readonly scopes: readonly string[] }

const reading: RequestVerdict = { is: 'yes', writes: false }
const writing: RequestVerdict = { is: 'yes', writes: true }
/** RFC 9110 9.2.1. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What the policy says of a request with a token of these scopes. A target that lists no requests lets all through. */
export function requestVerdict(
  { policy }: PolicyInForce,
  target: string,
  scopes: readonly string[],
  asked: RequestHead,
): RequestVerdict {
  const found = policy.targets.get(target)
  if (found === undefined) return { is: 'no', reason: 'the target is no longer in the policy', scopes: [] }
  const { requests, held } = found
  if (requests === undefined) return safe.has(asked.method) ? reading : writing
  if (asked.overrides)
    return { is: 'no', reason: 'the request names another method beside its own', scopes: [] }
  const withBody: { readonly rule: RequestRule; readonly held: boolean }[] = []
  let waiting: RequestVerdict | undefined
  let writes = false
  for (const scope of scopes) {
    const isHeld = held?.has(scope) === true
    for (const rule of requests.get(scope) ?? []) {
      const verdict = verdictOf(rule, asked)
      const isRead = found.scopes.get(scope) === 'read'
      if (verdict === 'yes' && !isHeld) return isRead ? reading : writing
      if (verdict === 'no') continue
      writes ||= !isRead
      if (verdict === 'yes') waiting = { is: 'yes', writes, held: true }
      else withBody.push({ rule, held: isHeld })
    }
  }
  if (withBody.length > 0) return { is: 'body', writes, fits: fitsOf(withBody, waiting !== undefined) }
  if (waiting !== undefined) return waiting
  const others = [...requests].filter(([, rules]) => rules.some((rule) => verdictOf(rule, asked) !== 'no'))
  const reason = `no scope of the token lists ${asked.method} ${asked.path}`
  return { is: 'no', reason, scopes: others.map(([scope]) => scope) }
}

/** Whatever fits a scope that holds nothing passes; `otherwise`: a scope that holds lists it with any body. */
function fitsOf(
  rules: readonly { readonly rule: RequestRule; readonly held: boolean }[],
  otherwise: boolean,
): (json: unknown) => 'yes' | 'held' | 'no' {
  return (json) => {
    const fitting = rules.filter(({ rule }) => bodyFits(rule, json))
    if (fitting.some(({ held }) => !held)) return 'yes'
    return fitting.length > 0 || otherwise ? 'held' : 'no'
  }
}

/** How much one job may use of a target, if that is limited. */
export function budgetOf({ policy }: PolicyInForce, target: string): Budget | undefined {
  return policy.targets.get(target)?.budget
}

/** Whether each request of a target has an entry: nothing where only refusals have, or the target is gone. */
export function recordingOf(
  { policy }: PolicyInForce,
  target: string,
): 'required' | 'best_effort' | undefined {
  const said = policy.targets.get(target)?.record
  return said === 'refusals' ? undefined : said
}
