/**
 * counterexample: a token that breaks a guardrail, as a person reads it. It is shown only after the evaluator gave
 * the same answer about it as the prover did.
 */
import { type Box, matches, type TokenClaims } from './box.ts'
import { decideByRules } from './decide.ts'
import type { GivingBox } from './giving.ts'
import type { Policy, PolicyGuardrail, PolicyIssuer } from './policy.ts'
import { claimIn, memberIn, valuesIn } from './schema/list-claims.ts'
import type { Region } from './search.ts'

/** What the token gets, or, under `always`, does not get. */
export interface Outcome {
  readonly target: string
  readonly scope?: string
  readonly granted: boolean
  readonly grants: readonly string[]
}

export interface Counterexample {
  readonly issuer: string
  /** The whole token's claims, as the platform would write them. */
  readonly claims: Readonly<Record<string, unknown>>
  /** What of them matters: claims that a rule names, `null` = missing. Every other claim may be anything. */
  readonly shown: Readonly<Record<string, string | null>>
  readonly outcomes: readonly Outcome[]
}

interface FoundToken {
  readonly token: TokenClaims
  readonly region: Region
}

interface Refused {
  readonly issuer: PolicyIssuer
  readonly target: string
  readonly scope: string | undefined
}

/** `undefined` when the evaluator does not agree. */
export function confirmed(
  policy: Policy,
  guardrail: PolicyGuardrail,
  giving: readonly GivingBox[],
  { token, region }: FoundToken,
  refused?: Refused,
): Counterexample | undefined {
  const issuer = refused?.issuer ?? giving[0]?.issuer
  if (issuer === undefined) return undefined
  const asked = refused
    ? [refused]
    : giving.map(({ gift, scopes }) => ({ target: gift.target.name, scope: scopes?.[0] }))
  const readable = named(
    token,
    region,
    giving.map(({ box }) => box),
  )
  // A rule may speak of the name that made the token readable: then the token stays as the prover found it.
  for (const each of readable === token ? [token] : [readable, token]) {
    const claims = issuer.schema.present(each)
    const outcomes = asked.map(({ target, scope }) => outcomeOf(policy, issuer.name, claims, target, scope))
    const agreed = outcomes.every(({ granted }) => granted === (refused === undefined))
    if (!agreed || !breaks(guardrail, issuer, each, giving)) continue
    const meant = 'who' in guardrail ? (guardrail.who.get(issuer.name) ?? []) : []
    return { issuer: issuer.name, claims, shown: shownClaims(each, region, giving, meant), outcomes }
  }
  return undefined
}

function outcomeOf(
  policy: Policy,
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
  target: string,
  scope: string | undefined,
): Outcome {
  const asked = scope === undefined ? {} : { scopes: [scope] }
  const decision = decideByRules(policy, { issuer, claims, target, ...asked })
  const grants = decision.allowed ? decision.grants : []
  return { target, ...(scope === undefined ? {} : { scope }), granted: decision.allowed, grants }
}

/** Asked of the guardrail itself, with the same `matches` that grants are asked with. */
function breaks(
  guardrail: PolicyGuardrail,
  { name }: PolicyIssuer,
  token: TokenClaims,
  giving: readonly GivingBox[],
): boolean {
  if (guardrail.rule === 'max') return giving.every(({ grant }) => grant.seconds > guardrail.seconds)
  if (guardrail.rule === 'apart') return giving.length === 2
  const meant = (guardrail.who.get(name) ?? []).some((box) => matches(box, token))
  return guardrail.rule === 'only' ? !meant : meant
}

/** A repository that the policy names gets its name beside its id, so that the token looks like one of theirs. */
function named(token: TokenClaims, region: Region, boxes: readonly Box[]): TokenClaims {
  if (region.has('repository')) return token
  const id = token.get('repository_id')
  const known = boxes.flatMap((box) => namesById(box, 'repository_id')).find(([value]) => value === id)
  return known === undefined ? token : new Map(token).set('repository', known[1])
}

function namesById(box: Box, claim: string): readonly (readonly [string, string])[] {
  const condition = box.get(claim)
  const values = (condition?.sayings ?? []).flatMap((saying) =>
    saying.operator === 'exact' ? saying.values : [],
  )
  return values.map((value, at) => [value, condition?.names[at] ?? value] as const)
}

/** What of a token matters, with the names of ids that the grants, or the other boxes, know. */
export function shownClaims(
  token: TokenClaims,
  region: Region,
  giving: readonly GivingBox[],
  others: readonly Box[] = [],
): Readonly<Record<string, string | null>> {
  const byDefault = (claim: string) =>
    giving.some(({ box }) => box.get(claim)?.sayings.every(({ operator }) => operator === 'default'))
  const tenant = giving[0]?.issuer.schema.parts.tenant?.claim
  const claims = [...region.keys()].filter((claim) => claim !== tenant || !byDefault(claim))
  const boxes = [...giving.map(({ box }) => box), ...others]
  const known = new Map(boxes.flatMap((box) => claims.flatMap((claim) => namesById(box, claim))))
  return Object.fromEntries(
    claims.map((claim) => {
      if (memberIn(claim) !== undefined) return [claimIn(claim), valuesIn(token, claimIn(claim))]
      const value = token.get(claim)
      const name = value === undefined ? undefined : known.get(value)
      return [
        claim,
        value === undefined ? null : name === undefined || name === value ? value : `${value} (${name})`,
      ]
    }),
  )
}

/** `a token of github with environment = staging (all else: any)` */
export function tokenSentence(issuer: string, shown: Counterexample['shown']): string {
  const parts = Object.entries(shown).map(
    ([claim, value]) => `${claim} ${value === null ? 'missing' : `= ${value}`}`,
  )
  return parts.length === 0
    ? `any token of ${issuer}`
    : `a token of ${issuer} with ${parts.join(', ')} (all else: any)`
}
