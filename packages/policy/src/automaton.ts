/**
 * automaton: deterministic finite automata over 96 letters (printable ASCII, and one letter for everything else).
 * `lang` builds languages of them; nothing else walks one. There is no backtracking: a walk is one table read a
 * character. Every automaton here is total, minimal and numbered canonically.
 */

const LETTERS = 96
const OTHER = LETTERS - 1
const FIRST = 0x20

/** States are numbers, 0 is the start. Letters that behave alike share a column. */
export interface Automaton {
  /** Letter to column. */
  readonly columns: Uint8Array
  readonly width: number
  /** `next[state * width + column]`. */
  readonly next: Uint32Array
  readonly accepting: Uint8Array
}

/** A set of letters. */
export type Letters = Uint8Array

/** One step of a sequence: exactly one of the letters, or any number of them. */
export interface Step {
  readonly letters: Letters
  readonly repeated: boolean
}

export const anyLetter: Letters = new Uint8Array(LETTERS).fill(1)

const letterOf = (unit: number): number => (unit >= FIRST && unit < FIRST + OTHER ? unit - FIRST : OTHER)

/** The letters of a text. */
export function lettersIn(text: string): Letters {
  const set = new Uint8Array(LETTERS)
  for (let at = 0; at < text.length; at++) set[letterOf(text.charCodeAt(at))] = 1
  return set
}

/** All letters but those of a text. */
export function lettersExcept(text: string): Letters {
  return lettersIn(text).map((bit) => 1 - bit)
}

/** Does the automaton accept the word? */
export function accepts(automaton: Automaton, word: string): boolean {
  const { columns, width, next, accepting } = automaton
  let state = 0
  for (let at = 0; at < word.length; at++) {
    state = next[state * width + (columns[letterOf(word.charCodeAt(at))] ?? 0)] ?? 0
  }
  return accepting[state] === 1
}

/** Minimal automata make this a look at one bit: only the empty language has no accepting state. */
export function isEmpty(automaton: Automaton): boolean {
  return !automaton.accepting.includes(1)
}

interface Raw {
  readonly columns: Uint8Array
  readonly width: number
  readonly next: readonly number[]
  readonly accepting: readonly boolean[]
}

/** The words that follow the steps, one after the other. */
export function sequence(steps: readonly Step[]): Automaton {
  const { columns, samples } = classes(
    LETTERS,
    steps.map((step) => step.letters),
  )
  const close = (positions: Iterable<number>): number[] => {
    const closed = new Set<number>()
    for (const position of positions) {
      let at = position
      closed.add(at)
      while (steps[at]?.repeated === true) closed.add(++at)
    }
    return [...closed].sort((a, b) => a - b)
  }
  const move = (positions: readonly number[], letter: number): number[] =>
    close(
      positions
        .filter((at) => steps[at]?.letters[letter] === 1)
        .map((at) => (steps[at]?.repeated ? at : at + 1)),
    )
  return minimal(
    explore(
      close([0]),
      String,
      columns,
      samples,
      (positions, letter) => move(positions, letter),
      (positions) => positions.includes(steps.length),
    ),
  )
}

export type Combination = 'and' | 'or' | 'without'

const memory: Record<Combination, WeakMap<Automaton, WeakMap<Automaton, Automaton>>> = {
  and: new WeakMap(),
  or: new WeakMap(),
  without: new WeakMap(),
}

/** Intersection, union or difference. Remembered for as long as both sides live. */
export function combine(how: Combination, a: Automaton, b: Automaton): Automaton {
  const known = memory[how].get(a)?.get(b)
  if (known !== undefined) return known
  const made = combined(how, a, b)
  const row = memory[how].get(a) ?? new WeakMap<Automaton, Automaton>()
  memory[how].set(a, row.set(b, made))
  return made
}

function combined(how: Combination, a: Automaton, b: Automaton): Automaton {
  const { columns, samples } = classes(LETTERS, [a.columns, b.columns])
  const step = (automaton: Automaton, state: number, letter: number): number =>
    automaton.next[state * automaton.width + (automaton.columns[letter] ?? 0)] ?? 0
  return minimal(
    explore<readonly [number, number]>(
      [0, 0],
      ([left, right]) => `${left},${right}`,
      columns,
      samples,
      ([left, right], letter) => [step(a, left, letter), step(b, right, letter)],
      ([left, right]) => {
        const inA = a.accepting[left] === 1
        const inB = b.accepting[right] === 1
        if (how === 'or') return inA || inB
        return how === 'and' ? inA && inB : inA && !inB
      },
    ),
  )
}

/** Breadth first over everything reachable; letters of one column are walked once. */
function explore<S>(
  start: S,
  key: (state: S) => string,
  columns: Uint8Array,
  samples: readonly number[],
  move: (state: S, letter: number) => S,
  accepting: (state: S) => boolean,
): Raw {
  const numbers = new Map([[key(start), 0]])
  const states = [start]
  const next: number[] = []
  for (const state of states) {
    for (const letter of samples) {
      const following = move(state, letter)
      const name = key(following)
      let number = numbers.get(name)
      if (number === undefined) {
        number = states.push(following) - 1
        numbers.set(name, number)
      }
      next.push(number)
    }
  }
  return { columns, width: samples.length, next, accepting: states.map(accepting) }
}

/** Groups 0..count-1 by what the rows say of each; `samples` has the first member of every group. */
function classes(
  count: number,
  rows: readonly ArrayLike<number>[],
): { columns: Uint8Array; samples: readonly number[] } {
  const names = new Map<string, number>()
  const columns = new Uint8Array(count)
  const samples: number[] = []
  for (let member = 0; member < count; member++) {
    const name = rows.map((row) => row[member]).join()
    let group = names.get(name)
    if (group === undefined) {
      group = samples.push(member) - 1
      names.set(name, group)
    }
    columns[member] = group
  }
  return { columns, samples }
}

/** Moore's partition refinement, then numbers in breadth-first order and columns merged. */
function minimal(raw: Raw): Automaton {
  const { width, next } = raw
  const count = raw.accepting.length
  let group = raw.accepting.map(Number)
  for (let groups = 0; ; ) {
    const names = new Map<string, number>()
    const refined = group.map((own, state) => {
      const row = next.slice(state * width, (state + 1) * width)
      const name = `${own}:${row.map((to) => group[to]).join()}`
      const known = names.get(name) ?? names.size
      names.set(name, known)
      return known
    })
    group = refined
    if (names.size === groups) break
    groups = names.size
  }
  // The states were explored breadth first and groups are named in that order: the numbering is canonical.
  const members: number[] = []
  for (let state = 0; state < count; state++) members[group[state] ?? 0] ??= state
  const moves = Array.from({ length: width }, (_, column) =>
    members.map((state) => group[next[state * width + column] ?? 0] ?? 0),
  )
  const merged = classes(width, transpose(moves))
  return {
    columns: raw.columns.map((column) => merged.columns[column] ?? 0),
    width: merged.samples.length,
    next: Uint32Array.from(
      members.flatMap((_, state) => merged.samples.map((column) => moves[column]?.[state] ?? 0)),
    ),
    accepting: Uint8Array.from(members, (state) => (raw.accepting[state] ? 1 : 0)),
  }
}

function transpose(rows: readonly (readonly number[])[]): number[][] {
  return (rows[0] ?? []).map((_, at) => rows.map((row) => row[at] ?? 0))
}
