/** domain: sets of values that claims of several platforms share. */
import { anyLetter, lettersExcept, lettersIn, type Step, sequence } from '../automaton.ts'
import { exactlyMany, words } from '../glob.ts'
import { fromAutomaton, type Lang, union } from '../lang.ts'

export const lower = 'abcdefghijklmnopqrstuvwxyz'
export const upper = lower.toUpperCase()
export const digits = lettersIn('0123456789')
export const alphanumeric = lettersIn(`${lower}${upper}0123456789`)

export const id = words(digits)
export const word = words(lettersIn(`${lower}${upper}0123456789_-`))
export const text = words(anyLetter)

/** What git allows in a ref (git-check-ref-format), control characters left to intake. */
const refName = lettersExcept(' ~^:?*[\\')
export const branches = words('refs/heads/', refName)
export const tags = words('refs/tags/', refName)
export const branchesAndTags = union(branches, tags)

const hexadecimal = lettersIn('0123456789abcdef')
export const commits = exactlyMany(hexadecimal, 40)

/** A UUID as RFC 9562 section 4 writes it, in lower case. */
export const uuid: Lang = fromAutomaton(
  sequence(
    [...'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'].map(
      (letter): Step => ({ letters: letter === 'x' ? hexadecimal : lettersIn(letter), repeated: false }),
    ),
  ),
)
