/** shape: the small questions that every reader asks of a tree. A wrong shape is reported where it stands. */
import { didYouMean } from '../nearest.ts'
import type { Place } from '../problem.ts'
import type { Faults } from './faults.ts'
import type { Entry, ListTree, MapTree, ScalarTree, Tree } from './tree.ts'

export function mapOf(tree: Tree, what: string, faults: Faults): MapTree | undefined {
  if (tree.is === 'map') return tree
  faults.error('P022', tree.place, `${what} must be a map of keys`)
  return undefined
}

/** The entries by key. Keys that are not known are faults. */
export function fields(map: MapTree, known: readonly string[], faults: Faults): ReadonlyMap<string, Entry> {
  for (const entry of map.entries) {
    if (known.includes(entry.key)) continue
    const hint = didYouMean(entry.key, known) ?? `known here: ${known.join(', ')}`
    faults.error('P001', entry.place, `unknown key \`${entry.key}\``, hint)
  }
  return new Map(map.entries.filter((entry) => known.includes(entry.key)).map((entry) => [entry.key, entry]))
}

/** A text of printable ASCII without blanks at its ends. */
export function textOf(tree: Tree, what: string, faults: Faults): string | undefined {
  if (tree.is !== 'text') {
    const hint = tree.is === 'map' || tree.is === 'list' ? undefined : 'quote it'
    faults.error('P022', tree.place, `${what} must be text`, hint)
    return undefined
  }
  return cleanText(tree, faults) ? tree.text : undefined
}

/** Refuses what a reader of the file cannot see: blank values, controls, letters that look like others. */
export function cleanText(tree: ScalarTree, faults: Faults): boolean {
  const { text, place } = tree
  const odd = /[^ -~]/u.exec(text)?.[0]
  if (odd !== undefined) {
    const code = (odd.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    faults.error('P029', place, `the value has a character that is not printable ASCII: U+${code}`)
  } else if (text.trim() === '') {
    faults.error('P029', place, 'the value is blank')
  } else if (text !== text.trim()) {
    faults.error('P029', place, `\`${text}\` begins or ends with a blank`)
  } else return true
  return false
}

/** One tree or a list of them. */
export function oneOrMore(tree: Tree): readonly Tree[] {
  return tree.is === 'list' ? tree.items : [tree]
}

export function listOf(tree: Tree, what: string, faults: Faults): ListTree | undefined {
  if (tree.is === 'list') return tree
  faults.error('P022', tree.place, `${what} must be a list`)
  return undefined
}

/** Seconds of `90s`, `15m`, `2h`. */
export function durationOf(tree: Tree, faults: Faults): number | undefined {
  const [, count, unit] = (tree.is === 'text' && /^([1-9][0-9]{0,6})([smh])$/.exec(tree.text)) || []
  if (count === undefined) {
    const said = 'text' in tree ? `\`${tree.text}\`` : 'this'
    faults.error('P018', tree.place, `${said} is not a duration`, 'write a number and a unit: 90s, 15m or 2h')
    return undefined
  }
  return Number(count) * (unit === 'h' ? 3600 : unit === 'm' ? 60 : 1)
}

/** Names must be unique in a whole policy, over all files. */
export class Names {
  readonly #what: string
  readonly #places = new Map<string, Place>()

  constructor(what: string) {
    this.#what = what
  }

  take(name: string, place: Place, faults: Faults): boolean {
    const first = this.#places.get(name)
    if (first === undefined) this.#places.set(name, place)
    else
      faults.error(
        'P022',
        place,
        `duplicate ${this.#what} \`${name}\``,
        `first at ${first.path}:${first.line}`,
      )
    return first === undefined
  }
}
