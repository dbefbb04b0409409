/**
 * bound: what a document of another platform asks of one claim, as a language of ours and the patterns that it wrote. A
 * pattern of the policy language is proposed from what was written and taken only if it is inside the language.
 */
import { anyLetter, type Letters, lettersIn, type Step, sequence } from '../automaton.ts'
import {
  anyText,
  diff,
  everything,
  fromAutomaton,
  inter,
  type Lang,
  literals,
  nothing,
  onlyMissing,
  union,
} from '../lang.ts'
import { foldAscii } from '../schema/fold.ts'
import { github } from '../schema/github.ts'

export interface Bound {
  readonly lang: Lang
  /** Values and patterns as written; `*` for whatever wildcard stood there. */
  readonly likes: readonly string[]
  readonly nots: readonly string[]
}

/** What one alternative of a document asks, by the claim's name in a token. */
export type Asked = ReadonlyMap<string, Bound>

/** Part of a foreign pattern: text, or letters of which there are some. */
export type PatternPart =
  | string
  | { readonly letters: Letters; readonly least: 0 | 1; readonly most: 1 | 'any' }

export const anyRun: PatternPart = { letters: anyLetter, least: 0, most: 'any' }
export const oneLetter: PatternPart = { letters: anyLetter, least: 1, most: 1 }

const alsoFolded: ReadonlySet<string> = new Set(['repository_owner', 'actor'])

/** GitHub ignores case in names of repositories, owners, users and environments. */
export function ignoresCase(claim: string): boolean {
  return github.claims.get(claim)?.folded === true || alsoFolded.has(claim)
}

function fold(claim: string, text: string): string {
  return ignoresCase(claim) ? foldAscii(text) : text
}

export function oneOf(claim: string, values: readonly string[]): Bound {
  const folded = values.map((value) => fold(claim, value))
  return { lang: literals(folded), likes: folded, nots: [] }
}

export function pattern(claim: string, parts: readonly PatternPart[]): Bound {
  if (parts.every((part) => typeof part === 'string')) return oneOf(claim, [parts.join('')])
  const steps = parts.flatMap((part): Step[] => {
    if (typeof part === 'string')
      return [...fold(claim, part)].map((letter) => ({ letters: lettersIn(letter), repeated: false }))
    const { letters, least, most } = part
    return [
      ...(least === 1 ? [{ letters, repeated: false }] : []),
      ...(most === 'any' ? [{ letters, repeated: true }] : []),
    ]
  })
  const text = parts.map((part) => (typeof part === 'string' ? fold(claim, part) : '*')).join('')
  return { lang: fromAutomaton(sequence(steps)), likes: [text.replaceAll(/\*+/g, '*')], nots: [] }
}

export const absent: Bound = { lang: onlyMissing, likes: [], nots: [] }
export const present: Bound = { lang: anyText, likes: [], nots: [] }
export const anything: Bound = { lang: everything, likes: [], nots: [] }

export function either(bounds: readonly Bound[]): Bound {
  return bounds.reduce(
    (sum, bound) => ({
      lang: union(sum.lang, bound.lang),
      likes: [...sum.likes, ...bound.likes],
      nots: [...sum.nots, ...bound.nots],
    }),
    { lang: nothing, likes: [], nots: [] },
  )
}

/** Another text, and a missing claim where that passes too. */
export function neither(bound: Bound, missing: boolean): Bound {
  return { lang: diff(missing ? everything : anyText, bound.lang), likes: [], nots: [...bound.likes] }
}

export function both(a: Bound, b: Bound): Bound {
  return { lang: inter(a.lang, b.lang), likes: [...a.likes, ...b.likes], nots: [...a.nots, ...b.nots] }
}

/** Both at once, claim by claim. */
export function allOf(a: Asked, b: Asked): Asked {
  const met = new Map(a)
  for (const [claim, bound] of b) {
    const other = met.get(claim)
    met.set(claim, other === undefined ? bound : both(other, bound))
  }
  return met
}
