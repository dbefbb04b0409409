/**
 * pieces: what a target's grants ask of a token, in parts that another platform may be able to say: each piece is a list
 * of tests that must all hold, one of the pieces is enough. Their union is proved to be what the policy's languages say;
 * what a rule said is only where the patterns are taken from.
 */
import { type Box, type Condition, impossible, meet } from '../box.ts'
import { denyBoxes } from '../giving.ts'
import { compileGlob } from '../glob.ts'
import {
  contains,
  diff,
  empty,
  everything,
  inter,
  type Lang,
  listed,
  literals,
  nothing,
  union,
  withMissing,
} from '../lang.ts'
import { type Policy, type PolicyGrant, type PolicyIssuer, wholeOf } from '../policy.ts'
import { isDisjoint } from '../search.ts'
import { Cannot } from './cannot.ts'

/** One thing that a claim must be. Values and patterns are folded where the claim is. */
export type ClaimTest =
  | { readonly is: 'missing' }
  | { readonly is: 'present' }
  | { readonly is: 'exact'; readonly values: readonly string[] }
  /** A pattern of the policy language. */
  | { readonly is: 'like'; readonly glob: string }
  /** Present, and none of these; `*` in one makes it a pattern. */
  | { readonly is: 'not'; readonly values: readonly string[] }

/** Every test of every claim must hold. */
export interface Piece {
  readonly grant: PolicyGrant
  readonly tests: ReadonlyMap<string, readonly ClaimTest[]>
  /** Names that the policy's author knows ids by. */
  readonly names: ReadonlyMap<string, ReadonlyMap<string, string>>
}

const MOST_PIECES = 200

/** Throws `Cannot` where a condition has no such parts, or too many. Pieces may overlap. */
export function piecesOf(policy: Policy, issuer: PolicyIssuer, target: string): readonly Piece[] {
  const denies = denyBoxes(policy, issuer, target)
  const boxes = policy.grants
    .filter(
      (grant) => grant.issuer === issuer.name && grant.gifts.some((gift) => gift.target.name === target),
    )
    .flatMap((grant) => grant.boxes.map((box) => ({ grant, box })))
  const pieces = boxes.flatMap(({ grant, box }) =>
    undenied([box], denies, issuer).flatMap((each) => split(grant, each, issuer)),
  )
  if (pieces.length > MOST_PIECES)
    throw new Cannot(`target \`${target}\`: more than ${MOST_PIECES} alternatives`)
  return pieces
}

/** The boxes without what deny rules take, as boxes again: one for each condition of a rule that may not hold. */
function undenied(boxes: readonly Box[], denies: readonly Box[], issuer: PolicyIssuer): readonly Box[] {
  return denies.reduce<readonly Box[]>((open, deny) => {
    const next = open.flatMap((box) => {
      const region = new Map(
        [...box].map(([claim, { lang }]) => [claim, inter(wholeOf(issuer, claim), lang)] as const),
      )
      if (isDisjoint(deny, region)) return [box]
      return [...deny.values()]
        .map((condition) => meet(box, new Map([[condition.claim, inverted(condition, issuer)]])))
        .filter((each) => impossible(each) === undefined)
    })
    if (next.length > MOST_PIECES) throw new Cannot(`deny rules leave more than ${MOST_PIECES} alternatives`)
    return next
  }, boxes)
}

const opposite = { exact: 'not', like: 'not', default: 'not', absent: 'any', any: 'absent' } as const

function inverted(condition: Condition, issuer: PolicyIssuer): Condition {
  return {
    ...condition,
    lang: diff(inter(everything, wholeOf(issuer, condition.claim)), condition.lang),
    needed: `not ${condition.needed}`,
    names: [],
    sayings: condition.sayings.map((saying) => ({
      ...saying,
      operator: saying.operator === 'not' ? 'like' : opposite[saying.operator],
    })),
  }
}

function split(grant: PolicyGrant, box: Box, issuer: PolicyIssuer): readonly Piece[] {
  let all: readonly (readonly [string, readonly ClaimTest[]])[][] = [[]]
  for (const condition of box.values()) {
    const parts = partsOf(grant, condition, issuer)
    all = all.flatMap((made) => parts.map((tests) => [...made, [condition.claim, tests] as const]))
    if (all.length > MOST_PIECES)
      throw new Cannot(`grant \`${grant.name}\`: more than ${MOST_PIECES} alternatives`)
  }
  const names = new Map([...box.values()].map((condition) => [condition.claim, namesOf(condition)] as const))
  return all.map((tests) => ({ grant, tests: new Map(tests.filter(([, own]) => own.length > 0)), names }))
}

/** Ids and names stand in the same order where the policy names them. */
function namesOf({ names, sayings }: Condition): ReadonlyMap<string, string> {
  const [said] = sayings.filter(({ operator }) => operator === 'exact')
  const values = said?.values ?? []
  return names.length === values.length
    ? new Map(values.map((value, at) => [value, names[at] ?? value]))
    : new Map()
}

/** Alternatives whose union is exactly the condition. An empty list of tests: anything. */
function partsOf(
  grant: PolicyGrant,
  condition: Condition,
  issuer: PolicyIssuer,
): readonly (readonly ClaimTest[])[] {
  const whole = wholeOf(issuer, condition.claim)
  const lang = inter(whole, condition.lang)
  if (contains(lang, whole)) return [[]]
  const domain = withMissing(whole, false)
  const text = withMissing(lang, false)
  const absent: readonly ClaimTest[][] = contains(lang, withMissing(nothing, true))
    ? [[{ is: 'missing' }]]
    : []
  if (empty(text)) return absent
  const values = listed(text)
  if (values !== undefined) return [...absent, [{ is: 'exact', values: [...values] }]]
  const parts = contains(text, domain) ? [[{ is: 'present' }] as const] : patterned(condition, text, domain)
  const said = parts.reduce<Lang>((sum, tests) => union(sum, meaningOf(tests, domain)), nothing)
  if (!contains(said, text) || !contains(text, said))
    throw new Cannot(
      `grant \`${grant.name}\`: \`${condition.claim}\` ${condition.needed} cannot be said in parts`,
    )
  return [...absent, ...parts]
}

function patterned({ sayings }: Condition, text: Lang, domain: Lang): readonly (readonly ClaimTest[])[] {
  const said = (wanted: (operator: string) => boolean) => [
    ...new Set(sayings.filter(({ operator }) => wanted(operator)).flatMap(({ values }) => values)),
  ]
  const none = said((operator) => operator === 'not')
  const no: readonly ClaimTest[] = none.length === 0 ? [] : [{ is: 'not', values: none }]
  const globs = said((operator) => operator !== 'not')
  const tried: readonly (readonly ClaimTest[])[] =
    globs.length === 0
      ? [[{ is: 'present' }, ...no]]
      : globs.flatMap((glob) => [[{ is: 'like', glob }], [{ is: 'like', glob }, ...no]])
  const inside = tried.filter((tests) => contains(text, meaningOf(tests, domain)))
  return inside.filter(
    (tests, at) =>
      !inside.some(
        (other, place) => place < at && contains(meaningOf(other, domain), meaningOf(tests, domain)),
      ),
  )
}

/** What the tests mean together, as the policy's evaluator would see it. */
function meaningOf(tests: readonly ClaimTest[], domain: Lang): Lang {
  return tests.reduce((left, test) => {
    if (test.is === 'like') return inter(left, compileGlob(test.glob))
    if (test.is === 'exact') return inter(left, literals(test.values))
    if (test.is !== 'not') return left
    return test.values.reduce(
      (rest, value) => diff(rest, value.includes('*') ? compileGlob(value) : literals([value])),
      left,
    )
  }, domain)
}
