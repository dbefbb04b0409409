/**
 * entry-tree: finds the few entries of a target that a token can match. Each node asks one claim: entries that list
 * its values are found by the value, entries with patterns by the text that their values begin with, all others are
 * open. What it finds is a superset: whoever asks still matches each box.
 */
import type { Box, TokenClaims } from './box.ts'
import { commonPrefix, type Lang, listed } from './lang.ts'

/** What stands in a tree: anything with a box. */
export interface Entry {
  readonly box: Box
}

export type EntryTree<E extends Entry> = readonly E[] | EntryNode<E>

export interface EntryNode<E extends Entry> {
  readonly claim: string
  readonly byValue: ReadonlyMap<string, EntryTree<E>>
  readonly byPrefix: ReadonlyMap<string, EntryTree<E>>
  /** Lengths of the prefixes. */
  readonly lengths: readonly number[]
  readonly open: EntryTree<E>
}

/** Up to so many entries are tried one after the other. */
const FEW = 8
/** An entry with more values than this is open: it would stand in too many places, which multiply below the top. */
const MOST_VALUES = { top: 64, below: 8 } as const
/** How many places one entry may stand in, on average, at the top node and at each one below; levels of nodes. */
const MOST_COPIES = { top: 16, below: 2 } as const
const DEEPEST = 5

/** `claims` are those that it may ask; absent: all that the entries speak of. */
export function treeOf<E extends Entry>(entries: readonly E[], given?: Iterable<string>): EntryTree<E> {
  const claims = new Set(given ?? entries.flatMap(({ box }) => [...box.keys()]))
  return grow(entries, [...claims], 0)
}

function grow<E extends Entry>(
  entries: readonly E[],
  claims: readonly string[],
  depth: number,
): EntryTree<E> {
  if (entries.length <= FEW || depth === DEEPEST) return entries
  const level = depth === 0 ? 'top' : 'below'
  let best: { readonly claim: string; readonly groups: Groups<E>; readonly cost: number } | undefined
  for (const claim of claims) {
    const groups = groupBy(claim, entries, MOST_VALUES[level])
    const cost = largest(groups)
    if (placed(groups) > entries.length * MOST_COPIES[level]) continue
    if (cost < (best?.cost ?? entries.length)) best = { claim, groups, cost }
  }
  if (best === undefined) return entries
  const { claim, groups } = best
  const left = claims.filter((each) => each !== claim)
  const below = (group: Grouped<E>) =>
    new Map([...group].map(([key, own]) => [key, grow(own, left, depth + 1)]))
  const lengths = [...new Set([...groups.byPrefix.keys()].map((prefix) => prefix.length))]
  return {
    claim,
    byValue: below(groups.byValue),
    byPrefix: below(groups.byPrefix),
    lengths,
    open: grow(groups.open, left, depth + 1),
  }
}

type Grouped<E> = Map<string, E[]>

interface Groups<E> {
  readonly byValue: Grouped<E>
  readonly byPrefix: Grouped<E>
  readonly open: E[]
}

function placed<E>({ byValue, byPrefix, open }: Groups<E>): number {
  const sum = (group: Grouped<E>) => [...group.values()].reduce((count, own) => count + own.length, 0)
  return sum(byValue) + sum(byPrefix) + open.length
}

function groupBy<E extends Entry>(claim: string, entries: readonly E[], mostValues: number): Groups<E> {
  const groups: Groups<E> = { byValue: new Map(), byPrefix: new Map(), open: [] }
  for (const entry of entries) {
    const keys = keysOf(entry.box.get(claim)?.lang, mostValues)
    if (keys === undefined) groups.open.push(entry)
    else {
      const { prefixes, values } = keys
      for (const value of values) push(groups.byValue, value, entry)
      for (const prefix of prefixes) push(groups.byPrefix, prefix, entry)
    }
  }
  return groups
}

function push<E>(group: Grouped<E>, key: string, entry: E): void {
  const entries = group.get(key)
  if (entries === undefined) group.set(key, [entry])
  else entries.push(entry)
}

/** `undefined`: the claim says nothing by which the entry could be found. */
function keysOf(
  lang: Lang | undefined,
  mostValues: number,
): { readonly values: Iterable<string>; readonly prefixes: Iterable<string> } | undefined {
  if (lang === undefined || lang.missing) return undefined
  const values = listed(lang)
  if (values !== undefined) return values.size > mostValues ? undefined : { values, prefixes: [] }
  const prefix = commonPrefix(lang)
  return prefix === '' ? undefined : { values: [], prefixes: [prefix] }
}

/** About how many entries one token would be compared with. */
function largest<E>({ byValue, byPrefix, open }: Groups<E>): number {
  const most = (group: Grouped<E>) => Math.max(0, ...[...group.values()].map((entries) => entries.length))
  return most(byValue) + most(byPrefix) + open.length
}

/** Every entry that can match the token, and perhaps some that do not. */
export function entriesIn<E extends Entry>(tree: EntryTree<E>, token: TokenClaims): readonly E[] {
  const found: E[] = []
  gather(tree, token, found)
  return found
}

function gather<E extends Entry>(tree: EntryTree<E>, token: TokenClaims, found: E[]): void {
  if ('length' in tree) {
    found.push(...tree)
    return
  }
  const value = token.get(tree.claim)
  if (value !== undefined) {
    const exact = tree.byValue.get(value)
    if (exact !== undefined) gather(exact, token, found)
    for (const length of tree.lengths) {
      const below = length > value.length ? undefined : tree.byPrefix.get(value.slice(0, length))
      if (below !== undefined) gather(below, token, found)
    }
  }
  gather(tree.open, token, found)
}
