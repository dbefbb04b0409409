/** listed: `scopes: { orders:read: { access: read, requests: [...] } }`, and the same with `statements`. */
import type { Faults } from './faults.ts'
import { fields, listOf } from './shape.ts'
import type { Entry, MapTree, Tree } from './tree.ts'

/** What a scope of some kind of target lists. */
export interface Listing<Rule extends { readonly text: string }> {
  readonly key: 'requests' | 'statements'
  readonly faultCode: 'P041' | 'P043'
  /** One item; `undefined` after a fault. */
  readonly read: (tree: Tree, faults: Faults) => Rule | undefined
  /** Whether it may change something. */
  readonly writes: (rule: Rule) => boolean
}

/** Rules by scope; `undefined` after a fault. A target none of whose scopes lists any has an empty map. */
export function readListed<Rule extends { readonly text: string }>(
  listing: Listing<Rule>,
  scopes: Tree | undefined,
  faults: Faults,
): ReadonlyMap<string, readonly Rule[]> | undefined {
  const { key: word, faultCode } = listing
  const found = new Map<string, readonly Rule[]>()
  if (scopes?.is !== 'map') return found
  const maps = scopes.entries.flatMap((entry) =>
    entry.value.is === 'map' ? [{ entry, map: entry.value }] : [],
  )
  if (maps.length === 0) return found
  const plain = scopes.entries.find(({ value }) => value.is !== 'map')
  if (plain !== undefined) {
    const message = `scope \`${plain.key}\` lists no ${word}, and others of the target do`
    faults.error(
      faultCode,
      plain.place,
      message,
      `write { access: read, ${word}: [...] } for each, or for none`,
    )
    return undefined
  }
  for (const { entry, map } of maps) {
    const rules = readScope(listing, entry, map, faults)
    if (rules === undefined) return undefined
    found.set(entry.key, rules)
  }
  return found
}

/** Scopes with `hold: true`: what they let through waits until somebody approves it. */
export function readHeld(scopes: Tree | undefined, faults: Faults): ReadonlySet<string> {
  const found = new Set<string>()
  if (scopes?.is !== 'map') return found
  for (const { key: scope, value } of scopes.entries) {
    const hold = value.is === 'map' ? value.entries.find(({ key }) => key === 'hold')?.value : undefined
    if (hold === undefined) continue
    if (hold.is !== 'boolean') faults.error('P041', hold.place, '`hold` is true or false')
    else if (hold.text === 'true') found.add(scope)
  }
  return found
}

/** The same target with each scope's access alone: what is issued does not depend on what it lists. */
export function withoutListed(value: Tree): Tree {
  if (value.is !== 'map') return value
  return {
    ...value,
    entries: value.entries.map((entry) => (entry.key === 'scopes' ? plainScopes(entry) : entry)),
  }
}

function plainScopes(entry: Entry): Entry {
  const { value } = entry
  if (value.is !== 'map') return entry
  const entries = value.entries.map((scope) => {
    const access =
      scope.value.is === 'map' ? scope.value.entries.find(({ key }) => key === 'access') : undefined
    return access === undefined ? scope : { ...scope, value: access.value }
  })
  return { ...entry, value: { ...value, entries } }
}

function readScope<Rule extends { readonly text: string }>(
  { key: word, faultCode, read, writes }: Listing<Rule>,
  entry: Entry,
  map: MapTree,
  faults: Faults,
): readonly Rule[] | undefined {
  const keys = fields(map, ['access', word, 'safe', ...(word === 'requests' ? ['hold'] : [])], faults)
  const [access, list, safe] = ['access', word, 'safe'].map((key) => keys.get(key))
  if (access === undefined || list === undefined) {
    faults.error(faultCode, entry.place, `scope \`${entry.key}\` needs \`access\` and \`${word}\``)
    return undefined
  }
  const items = listOf(list.value, `\`${word}\``, faults)?.items ?? []
  const rules = items.map((item) => read(item, faults))
  const good = rules.filter((rule) => rule !== undefined)
  if (good.length < rules.length || good.length === 0) {
    if (items.length === 0)
      faults.error(faultCode, list.place, 'the list is empty: the scope would let nothing through')
    return undefined
  }
  const reads = access.value.is === 'text' && access.value.text === 'read'
  const isSafe = safe?.value.is === 'boolean' && safe.value.text === 'true'
  const writing = good.find(writes)
  if (reads && !isSafe && writing !== undefined) {
    const message = `scope \`${entry.key}\` reads, and \`${writing.text}\` may change something`
    faults.error('P042', list.place, message, 'let its access be write, or say safe: true if that only asks')
    return undefined
  }
  return good
}
