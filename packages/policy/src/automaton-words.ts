/** automaton-words: which words an automaton accepts, shortest first; for witnesses and for counting. */
import type { Automaton } from './automaton.ts'

/** Stands for the letter "everything that is not printable ASCII". */
export const OTHER_LETTER = '\u00e9'

/** Readable letters first, so that a witness looks like something a person would type. */
const preferred = 'abcdefghijklmnopqrstuvwxyz0123456789-_./ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/**
 * All accepted words, shortest first; endless when the language is infinite. Words with letters outside printable
 * ASCII have `OTHER_LETTER` for each of them.
 */
export function* acceptedWords(automaton: Automaton): Generator<string> {
  const letters = lettersByColumn(automaton)
  const exact: Uint8Array[] = [automaton.accepting]
  for (let length = 0; ; length++) {
    const reach = exact[length]
    // Every state is reachable, so no word of this length from any state means none that is longer.
    if (reach === undefined || !reach.includes(1)) return
    yield* ofLength(automaton, letters, exact, 0, length)
    exact.push(oneLonger(automaton, reach))
  }
}

/** The letters with which every accepted word begins. An automaton that accepts nothing has none. */
export function forcedPrefix(automaton: Automaton): string {
  const { width, next, accepting } = automaton
  const letters = lettersByColumn(automaton)
  const alive = aliveStates(automaton)
  let prefix = ''
  for (let state = 0; accepting[state] !== 1; ) {
    const columns = Array.from({ length: width }, (_, column) => column).filter(
      (column) => alive[next[state * width + column] ?? 0] === 1,
    )
    const [only, second] = columns.flatMap((column) => letters[column] ?? [])
    if (only === undefined || second !== undefined || only === OTHER_LETTER) return prefix
    prefix += only
    state = next[state * width + (columns[0] ?? 0)] ?? 0
  }
  return prefix
}

/** Which states lead to an accepting one. */
function aliveStates({ width, next, accepting }: Automaton): Uint8Array {
  const alive = Uint8Array.from(accepting)
  for (let grown = true; grown; ) {
    grown = false
    for (let state = 0; state < alive.length; state++) {
      if (alive[state] === 1) continue
      for (let column = 0; column < width; column++) {
        if (alive[next[state * width + column] ?? 0] === 1) {
          alive[state] = 1
          grown = true
          break
        }
      }
    }
  }
  return alive
}

/** Which states accept some word that is one letter longer. */
function oneLonger({ width, next, accepting }: Automaton, reach: Uint8Array): Uint8Array {
  return accepting.map((_, state) => {
    for (let column = 0; column < width; column++) {
      if (reach[next[state * width + column] ?? 0] === 1) return 1
    }
    return 0
  })
}

function* ofLength(
  automaton: Automaton,
  letters: readonly string[][],
  exact: readonly Uint8Array[],
  state: number,
  length: number,
): Generator<string> {
  if (exact[length]?.[state] !== 1) return
  if (length === 0) {
    yield ''
    return
  }
  for (let column = 0; column < automaton.width; column++) {
    const following = automaton.next[state * automaton.width + column] ?? 0
    for (const rest of ofLength(automaton, letters, exact, following, length - 1)) {
      for (const letter of letters[column] ?? []) yield letter + rest
    }
  }
}

function lettersByColumn(automaton: Automaton): readonly string[][] {
  const rows = Array.from({ length: automaton.width }, (): string[] => [])
  automaton.columns.forEach((column, letter) => {
    rows[column]?.push(
      letter === automaton.columns.length - 1 ? OTHER_LETTER : String.fromCharCode(0x20 + letter),
    )
  })
  const rank = (letter: string) => (preferred.indexOf(letter) + preferred.length + 1) % (preferred.length + 1)
  for (const row of rows) row.sort((a, b) => rank(a) - rank(b))
  return rows
}
