/** guardrails: what must hold for every token that intake accepts. Read here; `prove` proves them, `decide` locks. */
import { type Box, within } from '../box.ts'
import type { PolicyGuardrail, Selection, Who } from '../policy.ts'
import { readConditions } from './conditions.ts'
import type { Faults } from './faults.ts'
import { readName, type Targets } from './rules.ts'
import { readSelection } from './selector.ts'
import { durationOf, fields, listOf, mapOf, type Names, oneOrMore } from './shape.ts'
import type { Entry, MapTree, Tree } from './tree.ts'
import { type Vocabularies, type Vocabulary, vocabularyOf } from './vocabulary.ts'

const rules = ['never', 'only', 'always', 'apart', 'max'] as const
type Keys = ReadonlyMap<string, Entry>

export function readGuardrail(
  tree: Tree,
  targets: Targets,
  names: Names,
  vocabularies: Vocabularies,
  faults: Faults,
): PolicyGuardrail | undefined {
  const map = mapOf(tree, 'a guardrail', faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['name', 'issuer', 'get', ...rules], faults)
  const name = readName(map, keys.get('name'), names, faults)
  const [rule, second] = rules.filter((each) => keys.has(each))
  const said = keys.get(rule ?? '')
  if (rule === undefined || said === undefined || second !== undefined) {
    const place = keys.get(second ?? '')?.place ?? map.place
    faults.error('P022', place, 'a guardrail has exactly one of never, only, always, apart, max')
    return undefined
  }
  const head =
    name === undefined
      ? undefined
      : { name, place: keys.get('name')?.value.place ?? map.place, baseline: false }
  if (rule === 'apart') {
    const pair = readApart(said, keys, targets, faults)
    return head && pair && { ...head, rule, ...pair }
  }
  const get = readGet(map, keys.get('get'), targets, faults)
  if (rule === 'max') {
    const seconds = durationOf(said.value, faults)
    return head && get && seconds !== undefined ? { ...head, rule, seconds, get } : undefined
  }
  const who = readWhoOf(said, keys, vocabularies, faults)
  return head && get && who && { ...head, rule, who, get }
}

function readGet(
  map: MapTree,
  entry: Entry | undefined,
  targets: Targets,
  faults: Faults,
): Selection | undefined {
  if (entry !== undefined) return readSelection(entry.value, targets, faults)
  faults.error(
    'P022',
    map.place,
    'the guardrail does not say for which targets',
    'add get: { tier: production }',
  )
  return undefined
}

function readApart(
  said: Entry,
  keys: Keys,
  targets: Targets,
  faults: Faults,
): { readonly get: Selection; readonly other: Selection } | undefined {
  const list = listOf(said.value, '`apart`', faults)
  const extra = keys.get('get')
  if (extra !== undefined)
    faults.error('P022', extra.place, '`apart` names its targets itself', 'remove get:')
  const [first, second, third] = list?.items ?? []
  if (list === undefined) return undefined
  if (first === undefined || second === undefined || third !== undefined) {
    faults.error('P022', list.place, '`apart` has exactly two selections: [ { tier: a }, { tier: b } ]')
    return undefined
  }
  const get = readSelection(first, targets, faults)
  const other = readSelection(second, targets, faults)
  if (get === undefined || other === undefined) return undefined
  const both = [...get].find(([name, scopes]) => overlaps(scopes, other, name))?.[0]
  if (both === undefined) return { get, other }
  faults.error('P027', second.place, `target \`${both}\` is on both sides; nothing can be apart from itself`)
  return undefined
}

function overlaps(scopes: ReadonlySet<string> | undefined, other: Selection, name: string): boolean {
  if (!other.has(name)) return false
  const theirs = other.get(name)
  return scopes === undefined || theirs === undefined || [...scopes].some((scope) => theirs.has(scope))
}

/** Each map of conditions may name its own issuer, so that `only` can allow jobs of two platforms. */
export function readWhoOf(
  said: Entry,
  keys: Keys,
  vocabularies: Vocabularies,
  faults: Faults,
): Who | undefined {
  const boxes = new Map<string, readonly Box[]>()
  let good = true
  for (const item of oneOrMore(said.value)) {
    const own = item.is === 'map' ? item.entries.find(({ key }) => key === 'issuer') : undefined
    const vocabulary = vocabularyOf(item, own ?? keys.get('issuer'), vocabularies, faults)
    const found = vocabulary && readConditions(without(item, own), vocabulary)
    if (vocabulary === undefined || found === undefined || !possible(item, found, vocabulary)) good = false
    else boxes.set(vocabulary.issuer.name, [...(boxes.get(vocabulary.issuer.name) ?? []), ...found])
  }
  if (oneOrMore(said.value).length === 0) faults.error('P027', said.place, 'this means no token at all')
  return good && boxes.size > 0 ? boxes : undefined
}

function without(tree: Tree, entry: Entry | undefined): Tree {
  if (tree.is !== 'map' || entry === undefined) return tree
  return { ...tree, entries: tree.entries.filter((each) => each !== entry) }
}

/** Conditions that no token fulfils make a guardrail that looks strong and holds for nothing. */
function possible(at: Tree, boxes: readonly Box[], { issuer, faults }: Vocabulary): boolean {
  const rule = boxes.map((box) => issuer.schema.profile.find((each) => within(box, each.box)))
  const [first] = rule
  if (first === undefined || rule.includes(undefined)) return true
  faults.error(
    'P027',
    at.place,
    `no token of ${issuer.name} has this \`${first.name}\`; the guardrail would hold for nothing`,
  )
  return false
}
