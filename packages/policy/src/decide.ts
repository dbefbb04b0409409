/**
 * decide: may this token have this target? No I/O, no clock, no order of rules: the same policy and request always
 * give the same answer. Whatever is not granted is refused, and a deny rule always wins.
 */
import { matches, type TokenClaims } from './box.ts'
import { entriesIn } from './entry-tree.ts'
import type { GrantEntry, Policy, PolicyDeny, TargetDefinition, TargetIndex } from './policy.ts'
import type { IssuerSchema, ProfileRule } from './schema/schema.ts'

export interface DecisionRequest {
  /** The issuer's name in the policy. */
  readonly issuer: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly target: string
  /** Absent: everything that the grants give. */
  readonly scopes?: readonly string[]
  /** The lifetime that is wished for; it can only shorten. */
  readonly seconds?: number
}

export type RefusalCode =
  | 'intake'
  | 'profile'
  | 'unknown_target'
  | 'denied'
  | 'no_grant'
  | 'scope'
  | 'guardrail'

export type Decision =
  | {
      readonly allowed: true
      readonly target: TargetDefinition
      /** Every grant that matches, by name. */
      readonly grants: readonly string[]
      readonly scopes: readonly string[]
      readonly seconds: number
    }
  | { readonly allowed: false; readonly code: RefusalCode; readonly reason: string }

type Refused = Extract<Decision, { allowed: false }>
type Allowed = Extract<Decision, { allowed: true }>

const refuse = (code: RefusalCode, reason: string): Refused => ({ allowed: false, code, reason })

export function decide(policy: Policy, request: DecisionRequest): Decision {
  return decideWith(policy, request, locked)
}

/** The grants and deny rules alone. The prover replays its tokens here: the second lock must not hide what it found. */
export function decideByRules(policy: Policy, request: DecisionRequest): Decision {
  return decideWith(policy, request, (_, __, given) => given)
}

function decideWith(policy: Policy, request: DecisionRequest, lock: typeof locked): Decision {
  const admitted = admit(policy, request)
  if ('allowed' in admitted) return admitted
  const { token, profile } = admitted
  if (profile !== undefined) return refuse('profile', `${profile.name} contradicts the issuer's other claims`)
  const index = policy.index.get(request.issuer)?.get(request.target)
  const target = policy.targets.get(request.target)
  if (index === undefined || target === undefined) return refuse('unknown_target', 'there is no such target')
  const denied = denyFor(index, token)
  if (denied !== undefined) return refuse('denied', `deny rule \`${denied.name}\` applies`)
  const entries = entriesIn(index.tree, token).filter((entry) => matches(entry.box, token))
  if (entries.length === 0) return refuse('no_grant', `no grant gives \`${target.name}\` to this token`)
  const given = give(target, entries, request)
  return given.allowed ? lock(index, token, given) : given
}

/** Whether any target at all is given to such a token. Its claims are read once, however many targets there are. */
export function givesAny(policy: Policy, asker: Pick<DecisionRequest, 'issuer' | 'claims'>): boolean {
  const admitted = admit(policy, asker)
  if ('allowed' in admitted || admitted.profile !== undefined) return false
  const { token } = admitted
  for (const index of policy.index.get(asker.issuer)?.values() ?? []) {
    const isGiven = entriesIn(index.tree, token).some((entry) => matches(entry.box, token))
    if (isGiven && denyFor(index, token) === undefined) return true
  }
  return false
}

/**
 * The second lock: guardrails were proved for every token when the policy was loaded, and are asked once more about
 * this one. A hit means that the prover or the loader is wrong: refused, and worth an alarm.
 */
function locked(index: TargetIndex, token: TokenClaims, given: Allowed): Decision {
  const hit = index.guards.find(({ never, boxes, scopes }) => {
    const meant = scopes === undefined || given.scopes.some((scope) => scopes.has(scope))
    return meant && boxes.some((box) => matches(box, token)) === never
  })
  return hit === undefined ? given : refuse('guardrail', `guardrail \`${hit.name}\` would be broken`)
}

/** A token that may be compared with grants, and the profile's rule that it breaks, if any. */
export interface Admitted {
  readonly token: TokenClaims
  readonly profile: ProfileRule | undefined
  readonly schema: IssuerSchema
}

export function admit(
  policy: Policy,
  request: Pick<DecisionRequest, 'issuer' | 'claims'>,
): Admitted | Refused {
  const issuer = policy.issuers.get(request.issuer)
  if (issuer === undefined)
    return refuse('intake', `the policy does not declare issuer \`${request.issuer}\``)
  const intake = issuer.schema.intake(request.claims, issuer.properties)
  if (!intake.ok) return refuse('intake', `${intake.claim} ${intake.reason}`)
  const profile = issuer.schema.profile.find((rule) => matches(rule.box, intake.token))
  return { token: intake.token, profile, schema: issuer.schema }
}

export function denyFor(index: TargetIndex, token: TokenClaims): PolicyDeny | undefined {
  return index.denies.find((deny) => deny.boxes.some((box) => matches(box, token)))
}

function give(target: TargetDefinition, entries: readonly GrantEntry[], request: DecisionRequest): Decision {
  const wish = request.seconds ?? target.maxSeconds
  if (!(wish >= 1)) return refuse('intake', 'the wished lifetime is not a positive number of seconds')
  /** A scope lasts as long as the longest grant that gives it. */
  const lifetimes = new Map<string, number>()
  for (const { grant, gift } of entries) {
    for (const scope of gift.scopes) lifetimes.set(scope, Math.max(lifetimes.get(scope) ?? 0, grant.seconds))
  }
  const scopes = [...new Set(request.scopes ?? lifetimes.keys())].toSorted()
  const missing = scopes.find((scope) => !lifetimes.has(scope))
  if (missing !== undefined) return refuse('scope', `scope \`${missing}\` is not granted`)
  const longest = Math.max(...entries.map(({ grant }) => grant.seconds))
  // One credential has one lifetime: a long grant of one scope must not stretch a short grant of another.
  const granted = Math.min(longest, ...scopes.map((scope) => lifetimes.get(scope) ?? 0))
  return {
    allowed: true,
    target,
    grants: [...new Set(entries.map(({ grant }) => grant.name))].toSorted(),
    scopes,
    seconds: Math.floor(Math.min(granted, target.maxSeconds, wish)),
  }
}
