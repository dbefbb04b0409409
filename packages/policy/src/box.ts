/**
 * box: one set of values for each claim, all of which must hold. A grant is one or more boxes, so are a deny rule
 * and a rule of an issuer's profile. A claim that a box does not name may have any value or be missing.
 */
import { contains, empty, has, inter, type Lang } from './lang.ts'
import type { Place } from './problem.ts'

/** A token after intake: declared claims as text; a missing claim is not in the map. */
export type TokenClaims = ReadonlyMap<string, string>

/** How the policy said it, and where: for checks and explanations, never for a decision. */
export interface Saying {
  readonly operator: 'exact' | 'like' | 'not' | 'absent' | 'any' | 'default'
  /** The values or patterns as claims have them, folded and with their prefix. */
  readonly values: readonly string[]
  readonly place: Place
}

/** What one claim must be. */
export interface Condition {
  readonly claim: string
  readonly lang: Lang
  /** For people: `one of push, schedule`. */
  readonly needed: string
  /** Names behind ids, for people and for "the same name has another id". */
  readonly names: readonly string[]
  readonly sayings: readonly Saying[]
}

export type Box = ReadonlyMap<string, Condition>

export const anyToken: Box = new Map()

export function box(...conditions: readonly Condition[]): Box {
  return conditions.reduce((made, condition) => meet(made, new Map([[condition.claim, condition]])), anyToken)
}

export function matches(box: Box, token: TokenClaims): boolean {
  for (const condition of box.values()) {
    if (!has(condition.lang, token.get(condition.claim))) return false
  }
  return true
}

/** Both boxes at once. A claim that becomes impossible keeps its place with an empty set: see `impossible`. */
export function meet(a: Box, b: Box): Box {
  if (a.size === 0) return b
  const both = new Map(a)
  for (const [claim, condition] of b) {
    const other = both.get(claim)
    both.set(claim, other === undefined ? condition : narrowed(other, condition))
  }
  return both
}

function narrowed(a: Condition, b: Condition): Condition {
  return {
    claim: a.claim,
    lang: inter(a.lang, b.lang),
    needed: isDefault(b) || a.needed === b.needed ? a.needed : `${a.needed} and ${b.needed}`,
    names: [...new Set([...a.names, ...b.names])],
    sayings: [...a.sayings, ...b.sayings],
  }
}

/** Nobody wrote it; it is a grant's implicit condition. */
function isDefault(condition: Condition): boolean {
  return condition.sayings.every(({ operator }) => operator === 'default')
}

/** The first claim that can have no value at all; `undefined` = some values fit. */
export function impossible(box: Box): Condition | undefined {
  return box.values().find((condition) => empty(condition.lang))
}

/** Is every token of `inner` also in `outer`? */
export function within(inner: Box, outer: Box): boolean {
  return outer.values().every((condition) => {
    const own = inner.get(condition.claim)
    return own !== undefined && contains(condition.lang, own.lang)
  })
}
