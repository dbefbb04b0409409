/**
 * glob: the one pattern operator of the language, compiled to an automaton. `*` is a run of characters inside one
 * segment (at least one when it is the whole segment) and never crosses `/ : @`; `**` is the whole last segment,
 * of any depth, and never crosses `: @`. One `*` a segment and three wildcards a pattern keep automata linear.
 */
import { anyLetter, lettersExcept, lettersIn, type Step, sequence } from './automaton.ts'
import { fromAutomaton, type Lang } from './lang.ts'

const insideSegment = lettersExcept('/:@')
const anyDepth = lettersExcept(':@')
const MOST_WILDCARDS = 3

/** Why the text is not a glob of this language; `undefined` = it is one. */
export function globFault(text: string): string | undefined {
  if (text.includes('?')) return '`?` is not a wildcard here; `*` and `**` are'
  const segments = text.split(/[/:@]/)
  if (segments.some((segment) => segment !== '**' && segment.split('*').length > 2)) {
    return text.includes('**') ? '`**` must be a whole segment' : 'at most one `*` in a segment'
  }
  const inner = segments.indexOf('**')
  const last = segments.length - 1
  if (inner !== -1 && (inner !== last || !/(^|\/)\*\*$/.test(text))) return '`**` must be the last segment'
  const wildcards = segments.filter((segment) => segment.includes('*')).length
  return wildcards > MOST_WILDCARDS ? `at most ${MOST_WILDCARDS} wildcards in a pattern` : undefined
}

/** The language of a glob for which `globFault` found nothing. */
export function compileGlob(text: string): Lang {
  const steps: Step[] = []
  const segments = text.split(/([/:@])/)
  for (const segment of segments) {
    const whole = segment === '*' || segment === '**'
    const letters = segment === '**' ? anyDepth : insideSegment
    if (whole) steps.push({ letters, repeated: false }, { letters, repeated: true })
    else for (const letter of segment) steps.push(letter === '*' ? star : exactly(letter))
  }
  return fromAutomaton(sequence(steps))
}

const star: Step = { letters: insideSegment, repeated: true }
const exactly = (letter: string): Step => ({ letters: lettersIn(letter), repeated: false })

/** Texts of at least one of the letters, between fixed texts: `words('refs/pull/', digits, '/merge')`. */
export function words(...parts: readonly (string | Step['letters'])[]): Lang {
  return fromAutomaton(
    sequence(
      parts.flatMap((part): Step[] => {
        if (typeof part === 'string') return [...part].map(exactly)
        return [
          { letters: part, repeated: false },
          { letters: part, repeated: true },
        ]
      }),
    ),
  )
}

/** Texts of exactly this many of the letters. */
export function exactlyMany(letters: Step['letters'], count: number): Lang {
  return fromAutomaton(sequence(Array.from({ length: count }, () => ({ letters, repeated: false }))))
}

/** Any text of at least one character. */
export const someText: Lang = words(anyLetter)
