/** requests: `scopes: { orders:read: { access: read, requests: [GET /orders/{id}] } }`. */
import { changesSomething, type RequestRule, readRequestLine, type Scalar } from '../requests.ts'
import type { Faults } from './faults.ts'
import type { Listing } from './listed.ts'
import { fields, mapOf, oneOrMore, textOf } from './shape.ts'
import type { Entry, Tree } from './tree.ts'

/** How a scope lists requests. */
export const requestListing: Listing<RequestRule> = {
  key: 'requests',
  faultCode: 'P041',
  read: readRule,
  writes: changesSomething,
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
