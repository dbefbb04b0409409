/** patterns: the part of RE2 that people write in trust policies, as alternatives of texts and runs of letters. */
import { anyLetter, type Letters, lettersExcept, lettersIn } from '../../automaton.ts'
import type { PatternPart } from '../bound.ts'

const MOST_ALTERNATIVES = 64

type Parts = readonly PatternPart[]

/** `undefined`: there is something else in it. Anchors are allowed where the whole text is matched anyway. */
export function readPatterns(source: string): readonly Parts[] | undefined {
  const reader = new Reader(source.replace(/^\^/, '').replace(/(?<!\\)\$$/, ''))
  // `^a|b$` is not the same with and without its anchors when there is an alternative at the top.
  const found = reader.alternatives()
  return found === undefined || !reader.atEnd ? undefined : found.map(joined)
}

/**
 * False where `readPatterns` may say less than the expression matches, which its negation must not; `[aA]` is one letter of a
 * claim that ignores case.
 */
export function isReadExactly(source: string, caseIgnored: boolean): boolean {
  const [, inner = source] = /^\^\(\?:(.+)\)\$$/.exec(source) ?? []
  const several = inner === source ? [inner.replace(/^\^/, '').replace(/\$$/, '')] : inner.split('|')
  return several.every((one) => {
    const text = caseIgnored ? one.replaceAll(/\[([a-z])([A-Z])\]/g, lowerPair) : one
    return /^(?:[\w/:@-]|\\[^A-Za-z0-9]|\.\*)*$/.test(text)
  })
}

const lowerPair = (whole: string, lower: string, upper: string) =>
  lower === upper.toLowerCase() ? lower : whole

class Reader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  get atEnd(): boolean {
    return this.#at === this.#source.length
  }

  alternatives(): readonly Parts[] | undefined {
    const all: Parts[] = []
    do {
      const own = this.#sequence()
      if (own === undefined) return undefined
      all.push(...own)
    } while (this.#take('|'))
    return all.length > MOST_ALTERNATIVES ? undefined : all
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #sequence(): readonly Parts[] | undefined {
    let all: readonly Parts[] = [[]]
    while (!this.atEnd && !/[|)]/.test(this.#source[this.#at] ?? '')) {
      const atoms = this.#atom()
      const repeated = atoms && this.#repeated(atoms)
      if (repeated === undefined) return undefined
      all = all.flatMap((before) => repeated.map((own) => [...before, ...own]))
      if (all.length > MOST_ALTERNATIVES) return undefined
    }
    return all
  }

  #atom(): readonly Parts[] | undefined {
    if (this.#take('(')) {
      if (this.#source[this.#at] === '?' && !this.#take('?:')) return undefined
      const inner = this.alternatives()
      return this.#take(')') ? inner : undefined
    }
    if (this.#take('[')) return this.#class()
    if (this.#take('\\d')) return [[one(lettersIn('0123456789'))]]
    const [, escaped] = /^\\([^A-Za-z0-9])/.exec(this.#source.slice(this.#at)) ?? []
    if (escaped !== undefined && this.#take(`\\${escaped}`)) return [[escaped]]
    const letter = this.#source[this.#at] ?? ''
    if (/[\\*+?{}^$]/.test(letter)) return undefined
    this.#at++
    // A dot that nobody repeats was meant as a dot.
    return letter === '.' && /^[*+?{]/.test(this.#source.slice(this.#at)) ? [[one(anyLetter)]] : [[letter]]
  }

  #class(): readonly Parts[] | undefined {
    const [whole, not, inner = ''] =
      /^(\^?)((?:\\[^A-Za-z0-9]|[^\]\\[])+)\]/.exec(this.#source.slice(this.#at)) ?? []
    if (whole === undefined) return undefined
    this.#at += whole.length
    const members = inner
      .replaceAll(/([A-Za-z0-9])-([A-Za-z0-9])/g, (_, from: string, to: string) =>
        Array.from({ length: Math.max(0, to.charCodeAt(0) - from.charCodeAt(0) + 1) }, (__, at) =>
          String.fromCharCode(from.charCodeAt(0) + at),
        ).join(''),
      )
      .replaceAll(/\\(.)/g, '$1')
    const [letter = '', other] = [...new Set(members.toLowerCase())]
    // `[aA]` is a letter of a name that ignores case.
    if (not === '' && other === undefined && /^[a-z]$/.test(letter) && members.includes(letter))
      return [[letter]]
    return [[one(not === '^' ? lettersExcept(members) : lettersIn(members))]]
  }

  #repeated(atoms: readonly Parts[]): readonly Parts[] | undefined {
    const [only, second] = atoms[0] ?? []
    const sign = ['*', '+', '?'].find((each) => this.#take(each))
    if (sign === undefined) return this.#source[this.#at] === '{' ? undefined : atoms
    if (sign === '?') return [...atoms, []]
    if (atoms.length > 1 || only === undefined || second !== undefined) return undefined
    const letters = typeof only === 'string' ? lettersIn(only) : only.letters
    return [[{ letters, least: sign === '+' ? 1 : 0, most: 'any' }]]
  }
}

function one(letters: Letters): PatternPart {
  return { letters, least: 1, most: 1 }
}

/** Letters side by side as one text. */
function joined(parts: Parts): Parts {
  const made: PatternPart[] = []
  for (const part of parts) {
    const last = made.at(-1)
    if (typeof part === 'string' && typeof last === 'string') made[made.length - 1] = last + part
    else made.push(part)
  }
  return made
}
