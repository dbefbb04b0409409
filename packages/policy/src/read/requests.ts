/** requests: `scopes: { orders:read: { access: read, requests: [GET /orders/{id}] } }`. */
import { changesSomething, type RequestRule, readRequestLine, type Scalar } from '../requests.ts'
import type { Faults } from './faults.ts'
import { fields, listOf, mapOf, oneOrMore, textOf } from './shape.ts'
import type { Entry, MapTree, Tree } from './tree.ts'

/** Requests by scope; `undefined` after a fault. A target none of whose scopes lists any has an empty map. */
export function readRequests(
  scopes: Tree | undefined,
  faults: Faults,
): ReadonlyMap<string, readonly RequestRule[]> | undefined {
  const found = new Map<string, readonly RequestRule[]>()
  if (scopes?.is !== 'map') return found
  const maps = scopes.entries.flatMap((entry) =>
    entry.value.is === 'map' ? [{ entry, map: entry.value }] : [],
  )
  if (maps.length === 0) return found
  const plain = scopes.entries.find(({ value }) => value.is !== 'map')
  if (plain !== undefined) {
    const message = `scope \`${plain.key}\` lists no requests, and others of the target do`
    faults.error(
      'P041',
      plain.place,
      message,
      'write { access: read, requests: [...] } for each, or for none',
    )
    return undefined
  }
  for (const { entry, map } of maps) {
    const rules = readScope(entry, map, faults)
    if (rules === undefined) return undefined
    found.set(entry.key, rules)
  }
  return found
}

/** The same target with each scope's access alone: what is issued does not depend on requests. */
export function withoutRequests(value: Tree): Tree {
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

function readScope(entry: Entry, map: MapTree, faults: Faults): readonly RequestRule[] | undefined {
  const keys = fields(map, ['access', 'requests', 'safe'], faults)
  const [access, requests, safe] = ['access', 'requests', 'safe'].map((key) => keys.get(key))
  if (access === undefined || requests === undefined) {
    faults.error('P041', entry.place, `scope \`${entry.key}\` needs \`access\` and \`requests\``)
    return undefined
  }
  const items = listOf(requests.value, '`requests`', faults)?.items ?? []
  const rules = items.map((item) => readRule(item, faults))
  const good = rules.filter((rule) => rule !== undefined)
  if (good.length < rules.length || good.length === 0) {
    if (items.length === 0)
      faults.error('P041', requests.place, 'the list is empty: the scope would let nothing through')
    return undefined
  }
  const reads = access.value.is === 'text' && access.value.text === 'read'
  const isSafe = safe?.value.is === 'boolean' && safe.value.text === 'true'
  const writing = good.find(changesSomething)
  if (reads && !isSafe && writing !== undefined) {
    const message = `scope \`${entry.key}\` reads, and \`${writing.text}\` may change something`
    faults.error(
      'P042',
      requests.place,
      message,
      'let its access be write, or say safe: true if that request only asks',
    )
    return undefined
  }
  return good
}

/** One request, or a list of them, as a guardrail names them. */
export function readRequestList(tree: Tree, faults: Faults): readonly RequestRule[] | undefined {
  const rules = oneOrMore(tree).map((item) => readRule(item, faults))
  const good = rules.filter((rule) => rule !== undefined)
  return good.length === rules.length ? good : undefined
}

/** `GET /orders`, or `{ request: POST /orders, query: {...}, body: {...} }`. */
function readRule(tree: Tree, faults: Faults): RequestRule | undefined {
  if (tree.is !== 'map') return readLine(tree, faults)
  const keys = fields(tree, ['request', 'query', 'body'], faults)
  const request = keys.get('request')
  if (request === undefined) {
    faults.error('P041', tree.place, 'this has no `request`', 'request: POST /orders')
    return undefined
  }
  const line = readLine(request.value, faults)
  const query = readQuery(keys.get('query'), faults)
  const body = readBody(keys.get('body'), faults)
  if (line === undefined || query === 'fault' || body === 'fault') return undefined
  return { ...line, ...(query === undefined ? {} : { query }), ...(body === undefined ? {} : { body }) }
}

function readLine(tree: Tree, faults: Faults): RequestRule | undefined {
  const text = textOf(tree, 'a request', faults)
  if (text === undefined) return undefined
  const line = readRequestLine(text)
  if (typeof line !== 'string') return line
  faults.error('P041', tree.place, `\`${text}\` is no request`, line)
  return undefined
}

function readQuery(entry: Entry | undefined, faults: Faults): RequestRule['query'] | 'fault' {
  if (entry === undefined) return undefined
  const map = mapOf(entry.value, '`query`', faults)
  if (map === undefined) return 'fault'
  const query = new Map<string, ReadonlySet<string> | undefined>()
  for (const { key, value } of map.entries) {
    const any = value.is === 'text' && value.text === '*'
    const values = any ? undefined : scalars(value, faults)
    if (values === undefined && !any) return 'fault'
    query.set(key, values === undefined ? undefined : new Set(values.map(String)))
  }
  return query
}

function readBody(entry: Entry | undefined, faults: Faults): RequestRule['body'] | 'fault' {
  if (entry === undefined) return undefined
  const map = mapOf(entry.value, '`body`', faults)
  if (map === undefined) return 'fault'
  const body = new Map<string, ReadonlySet<Scalar>>()
  for (const { key, place, value } of map.entries) {
    if (!/^(\/([^~/]|~[01])*)+$/.test(key)) {
      faults.error(
        'P041',
        place,
        `\`${key}\` is no JSON pointer`,
        'write /member or /member/inner (RFC 6901)',
      )
      return 'fault'
    }
    const values = scalars(value, faults)
    if (values === undefined) return 'fault'
    body.set(key, new Set(values))
  }
  return body
}

function scalars(tree: Tree, faults: Faults): readonly Scalar[] | undefined {
  const found = oneOrMore(tree).map((item): Scalar | undefined => {
    if (item.is === 'number') return Number(item.text)
    if (item.is === 'boolean') return item.text === 'true'
    return textOf(item, 'a value', faults)
  })
  const good = found.filter((value) => value !== undefined)
  return good.length === found.length && good.length > 0 ? good : undefined
}
