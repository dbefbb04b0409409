/**
 * lang: sets of values of one claim. The evaluator, the checks and the prover use these same objects, so they
 * cannot disagree about what a condition means. `Lang = (L(automaton) without minus) with plus`, and one bit that
 * says whether a missing claim belongs to it. Literal values never enter an automaton. Pure values; nothing here
 * knows a claim's name.
 */
import { type Automaton, accepts, anyLetter, combine, isEmpty, sequence } from './automaton.ts'
import { acceptedWords, forcedPrefix, OTHER_LETTER } from './automaton-words.ts'

/** A claim's value; `undefined` is a missing claim. */
export type Value = string | undefined

/** Kept normal: `minus` lies inside the automaton's language, `plus` outside of it. */
export interface Lang {
  readonly automaton: Automaton
  readonly minus: ReadonlySet<string>
  readonly plus: ReadonlySet<string>
  readonly missing: boolean
}

const noWords: ReadonlySet<string> = new Set()
const emptyAutomaton = sequence([{ letters: new Uint8Array(anyLetter.length), repeated: false }])
const fullAutomaton = sequence([{ letters: anyLetter, repeated: true }])

export const nothing: Lang = { automaton: emptyAutomaton, minus: noWords, plus: noWords, missing: false }
export const onlyMissing: Lang = { ...nothing, missing: true }
/** Every text, but not a missing claim. */
export const anyText: Lang = { ...nothing, automaton: fullAutomaton }
export const everything: Lang = { ...anyText, missing: true }

/** Exactly these values. */
export function literals(values: Iterable<string>): Lang {
  return { ...nothing, plus: new Set(values) }
}

/** The words of an automaton. */
export function fromAutomaton(automaton: Automaton): Lang {
  return { ...nothing, automaton: isEmpty(automaton) ? emptyAutomaton : automaton }
}

export function withMissing(lang: Lang, missing: boolean): Lang {
  return { ...lang, missing }
}

/** Is the value in the set? The only way in which anything tests a claim. */
export function has(lang: Lang, value: Value): boolean {
  if (value === undefined) return lang.missing
  const { automaton, minus, plus } = lang
  // Most sets are empty, and V8 looks a text up in its table of all texts before it looks into any set.
  if (plus.size > 0 && plus.has(value)) return true
  if (automaton === emptyAutomaton) return false
  return (automaton === fullAutomaton || accepts(automaton, value)) && (minus.size === 0 || !minus.has(value))
}

const prefixes = new WeakMap<Automaton, string>()

/** The text with which every word begins, found once. */
function prefixOf(automaton: Automaton): string {
  let prefix = prefixes.get(automaton)
  if (prefix === undefined) {
    prefix = forcedPrefix(automaton)
    prefixes.set(automaton, prefix)
  }
  return prefix
}

/** No text begins with both: patterns of different repositories have nothing in common, and cost no automaton. */
function beginApart(a: string, b: string): boolean {
  return !a.startsWith(b) && !b.startsWith(a)
}

/** Automata meet only when both sides have one. */
function combineAutomata(how: 'and' | 'or' | 'without', a: Automaton, b: Automaton): Automaton {
  if (a === emptyAutomaton) return how === 'or' ? b : a
  if (b === emptyAutomaton) return how === 'and' ? b : a
  if (a === b) return how === 'without' ? emptyAutomaton : a
  if (how !== 'or' && beginApart(prefixOf(a), prefixOf(b))) return how === 'and' ? emptyAutomaton : a
  const made = combine(how, a, b)
  return isEmpty(made) ? emptyAutomaton : made
}

function pick(...parts: readonly [Iterable<string>, (word: string) => boolean][]): ReadonlySet<string> {
  const picked = new Set<string>()
  for (const [words, wanted] of parts) for (const word of words) if (wanted(word)) picked.add(word)
  return picked.size === 0 ? noWords : picked
}

/** What is in both. */
export function inter(a: Lang, b: Lang): Lang {
  return {
    automaton: combineAutomata('and', a.automaton, b.automaton),
    minus: pick(
      [a.minus, (word) => accepts(b.automaton, word)],
      [b.minus, (word) => accepts(a.automaton, word)],
    ),
    plus: pick([a.plus, (word) => has(b, word)], [b.plus, (word) => has(a, word)]),
    missing: a.missing && b.missing,
  }
}

/** What is in `a` but not in `b`. */
export function diff(a: Lang, b: Lang): Lang {
  const automaton = combineAutomata('without', a.automaton, b.automaton)
  const inside = (word: string) => accepts(automaton, word)
  return {
    automaton,
    minus: pick([a.minus, inside], [b.plus, inside]),
    plus: pick([a.plus, (word) => !has(b, word)], [b.minus, (word) => !a.plus.has(word) && has(a, word)]),
    missing: a.missing && !b.missing,
  }
}

/** What is in either. */
export function union(a: Lang, b: Lang): Lang {
  const automaton = combineAutomata('or', a.automaton, b.automaton)
  const outside = (word: string) => !accepts(automaton, word)
  return {
    automaton,
    minus: pick([a.minus, (word) => !has(b, word)], [b.minus, (word) => !has(a, word)]),
    plus: pick([a.plus, outside], [b.plus, outside]),
    missing: a.missing || b.missing,
  }
}

/** Some member, a text if there is one; `undefined` = the set is empty. At most `minus.size + 1` words are tried. */
export function witness(lang: Lang): { readonly value: Value } | undefined {
  for (const value of lang.plus) return { value }
  for (const word of acceptedWords(lang.automaton)) {
    for (const value of spellings(word, lang.minus.size)) if (!lang.minus.has(value)) return { value }
  }
  return lang.missing ? { value: undefined } : undefined
}

/** The letter "other" stands for thousands of characters: enough of them that `taken` words cannot use up all. */
function* spellings(word: string, taken: number): Generator<string> {
  yield word
  if (!word.includes(OTHER_LETTER)) return
  for (let more = 1; more <= taken; more++) {
    yield word.replace(OTHER_LETTER, String.fromCharCode(OTHER_LETTER.charCodeAt(0) + more))
  }
}

export function empty(lang: Lang): boolean {
  if (lang.missing || lang.plus.size > 0) return false
  if (lang.minus.size === 0) return isEmpty(lang.automaton)
  return witness(lang) === undefined
}

const samples = new WeakMap<Automaton, readonly string[]>()

/** A few accepted words, made once: often one of them settles a question that would cost an automaton. */
function sampleOf(automaton: Automaton): readonly string[] {
  let words = samples.get(automaton)
  if (words === undefined) {
    words = [...acceptedWords(automaton).take(2)]
    samples.set(automaton, words)
  }
  return words
}

/** Is all of `inner` in `outer`? */
export function contains(outer: Lang, inner: Lang): boolean {
  if (sampleOf(inner.automaton).some((word) => !inner.minus.has(word) && !has(outer, word))) return false
  return empty(diff(inner, outer))
}

/** The members when they are listed one by one and none is "missing"; otherwise `undefined`. */
export function listed(lang: Lang): ReadonlySet<string> | undefined {
  return lang.missing || lang.automaton !== emptyAutomaton ? undefined : lang.plus
}

/** The text with which every member begins; empty when there is none, or when the set is. */
export function commonPrefix({ automaton, plus }: Lang): string {
  if (automaton === emptyAutomaton && plus.size === 0) return ''
  const shared = automaton === emptyAutomaton ? undefined : prefixOf(automaton)
  return [...plus].reduce((common, word) => sharedStart(common ?? word, word), shared) ?? ''
}

function sharedStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

/** Does the set leave out more of `whole` than a few listed values? Then it says something about the claim. */
export function narrows(lang: Lang, whole: Lang): boolean {
  if (lang.missing || empty(lang)) return false
  if (sampleOf(whole.automaton).some((word) => !accepts(lang.automaton, word))) return true
  return diff(whole, lang).automaton !== emptyAutomaton
}
