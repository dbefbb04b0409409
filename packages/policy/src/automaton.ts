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

let made = 0

/** How many automata were made of two others so far: what long work measures itself by. */
export function combinationsMade(): number {
  return made
}

function combined(how: Combination, a: Automaton, b: Automaton): Automaton {
  made++
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

/** States of one automaton; patterns that need more are refused instead of taking minutes and gigabytes. */
const MOST_STATES = 5_000

/** Patterns that together need an automaton which nobody would wait for. */
export class TooLarge extends RangeError {
  override readonly name = 'TooLarge'
}

/** Throws `TooLarge`. Breadth first over everything reachable; letters of one column are walked once. */
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
        if (number >= MOST_STATES) throw new TooLarge(`more than ${MOST_STATES} states`)
        numbers.set(name, number)
      }
      next.push(number)
    }
  }
  return { columns, width: samples.length, next, accepting: states.map(accepting) }
}

/** Groups 0..count-1 by what the rows say of each, named in order; `samples` has the first member of every group. */
function classes(
  count: number,
  rows: readonly ArrayLike<number>[],
): { columns: Uint8Array; samples: readonly number[] } {
  const { group, names } = grouped(
    count,
    rows.map((row) => (member) => row[member] ?? 0),
  )
  const samples = Array.from({ length: names }, (_, name) => group.indexOf(name))
  return { columns: Uint8Array.from(group), samples }
}

/** One number for each member: equal where all rows say the same, and 0, 1, 2 in order of first appearance. */
function grouped(
  count: number,
  rows: readonly ((member: number) => number)[],
): { group: readonly number[]; names: number } {
  const group = new Array<number>(count).fill(0)
  let names = Math.min(count, 1)
  for (const row of rows) {
    const known = new Map<number, number>()
    for (let member = 0; member < count; member++) {
      // What a row says is below 2^20 and from -1 on; so are names.
      const pair = (group[member] ?? 0) * 2 ** 20 + row(member) + 1
      let name = known.get(pair)
      if (name === undefined) {
        name = known.size
        known.set(pair, name)
      }
      group[member] = name
    }
    names = known.size
  }
  return { group, names }
}

/**
 * Moore's partition refinement, then numbers in breadth-first order and columns merged. Equal states are equally far
 * from acceptance, which already tells most of them apart: without it a chain of n states takes n rounds.
 */
function minimal(raw: Raw): Automaton {
  const { width, next } = raw
  const count = raw.accepting.length
  let group: readonly number[] = distances(raw)
  for (let groups = 0; ; ) {
    const current = group
    const columns = Array.from(
      { length: width },
      (_, column) => (state: number) => current[next[state * width + column] ?? 0] ?? 0,
    )
    const refined = grouped(count, [(state) => current[state] ?? 0, ...columns])
    group = refined.group
    if (refined.names === groups) break
    groups = refined.names
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

/** Letters of the shortest word that is accepted from each state; -1 where none is. */
function distances({ width, next, accepting }: Raw): readonly number[] {
  const before = accepting.map((): number[] => [])
  for (let edge = 0; edge < next.length; edge++) before[next[edge] ?? 0]?.push(Math.floor(edge / width))
  const distance = accepting.map((accepts): number => (accepts ? 0 : -1))
  const reached = [...distance.keys()].filter((state) => distance[state] === 0)
  for (const state of reached) {
    for (const earlier of before[state] ?? []) {
      if (distance[earlier] !== -1) continue
      distance[earlier] = (distance[state] ?? 0) + 1
      reached.push(earlier)
    }
  }
  return distance
}

function transpose(rows: readonly (readonly number[])[]): number[][] {
  return (rows[0] ?? []).map((_, at) => rows.map((row) => row[at] ?? 0))
}
