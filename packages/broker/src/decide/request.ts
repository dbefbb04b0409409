import { bodyFits, type RequestAsked, type RequestRule, verdictOf } from '@mayfly/policy/requests'
import type { Budget } from '../base/budget.ts'
import type { PolicyInForce } from './policies.ts'

/** A request as it will be forwarded, and what else in it could mean another one. */
export interface RequestHead extends RequestAsked {
  /** It names another method than its own in a way that some servers follow (`X-HTTP-Method-Override`, `_method`). */
  readonly overrides: boolean
}

/**
 * `yes`: a scope of the token lists it; `writes` unless that scope only reads. `body`: one does where `fits` says yes to the body. `no`: none does; `scopes`
 * are those of the target that would.
 */
export type RequestVerdict =
  | { readonly is: 'yes'; readonly writes: boolean }
  | { readonly is: 'body'; readonly writes: boolean; readonly fits: (json: unknown) => boolean }
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
  const { requests } = found
  if (requests === undefined) return safe.has(asked.method) ? reading : writing
  if (asked.overrides)
    return { is: 'no', reason: 'the request names another method beside its own', scopes: [] }
  const withBody: RequestRule[] = []
  let writes = false
  for (const scope of scopes) {
    for (const rule of requests.get(scope) ?? []) {
      const verdict = verdictOf(rule, asked)
      const isRead = found.scopes.get(scope) === 'read'
      if (verdict === 'yes') return isRead ? reading : writing
      if (verdict === 'no') continue
      withBody.push(rule)
      writes ||= !isRead
    }
  }
  if (withBody.length > 0)
    return { is: 'body', writes, fits: (json) => withBody.some((rule) => bodyFits(rule, json)) }
  const others = [...requests].filter(([, rules]) => rules.some((rule) => verdictOf(rule, asked) !== 'no'))
  const reason = `no scope of the token lists ${asked.method} ${asked.path}`
  return { is: 'no', reason, scopes: others.map(([scope]) => scope) }
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
