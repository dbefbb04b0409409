import { bodyFits, type RequestAsked, type RequestRule, verdictOf } from '@mayfly/policy/requests'
import type { PolicyInForce } from './policies.ts'

/** A request as it will be forwarded, and what else in it could mean another one. */
export interface RequestHead extends RequestAsked {
  /** It names another method than its own in a way that some servers follow (`X-HTTP-Method-Override`, `_method`). */
  readonly overrides: boolean
}

/**
 * `yes`: a scope of the token lists it. `body`: one does where `fits` says yes to the body. `no`: none does; `scopes`
 * are those of the target that would.
 */
export type RequestVerdict =
  | { readonly is: 'yes' }
  | { readonly is: 'body'; readonly fits: (json: unknown) => boolean }
  | { readonly is: 'no'; readonly reason: string; readonly scopes: readonly string[] }

const yes: RequestVerdict = { is: 'yes' }

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
  if (requests === undefined) return yes
  if (asked.overrides)
    return { is: 'no', reason: 'the request names another method beside its own', scopes: [] }
  const withBody: RequestRule[] = []
  for (const scope of scopes) {
    for (const rule of requests.get(scope) ?? []) {
      const verdict = verdictOf(rule, asked)
      if (verdict === 'yes') return yes
      if (verdict === 'body') withBody.push(rule)
    }
  }
  if (withBody.length > 0)
    return { is: 'body', fits: (json) => withBody.some((rule) => bodyFits(rule, json)) }
  const others = [...requests].filter(([, rules]) => rules.some((rule) => verdictOf(rule, asked) !== 'no'))
  const reason = `no scope of the token lists ${asked.method} ${asked.path}`
  return { is: 'no', reason, scopes: others.map(([scope]) => scope) }
}

/** Whether each request of a target has an entry: nothing where only refusals have, or the target is gone. */
export function recordingOf(
  { policy }: PolicyInForce,
  target: string,
): 'required' | 'best_effort' | undefined {
  const said = policy.targets.get(target)?.record
  return said === 'refusals' ? undefined : said
}
