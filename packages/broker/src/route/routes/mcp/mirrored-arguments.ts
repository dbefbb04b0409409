/**
 * Arguments that a tool wants mirrored into headers, and whether a call's headers say the same (MCP 2026-07-28, "Custom
 * Headers from Tool Parameters"). Policies read the body: a server or a proxy behind us may read the header.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isObject, plain } from './message.ts'

/** One argument and its header. */
export interface Mirror {
  /** `mcp-param-NAME`, in lower case as Node has it. */
  readonly header: string
  /** The members that lead to it in the arguments. */
  readonly path: readonly string[]
}

/** The mirrors of a tool; `fault`: its own schema breaks the rules for them, so no client may call it. */
export type Mirrors = readonly Mirror[] | { readonly fault: string }

const annotation = 'x-mcp-header'
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
const kinds: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
/** Deeper than any schema that a person wrote. */
const deepest = 64

/** Every header's name starts so, in lower case. */
export const mirrorPrefix = 'mcp-param-'

/** What an input schema asks to have mirrored. */
export function mirrorsIn(inputSchema: unknown): Mirrors {
  const found: Mirror[] = []
  const fault = walk(inputSchema, [], found)
  if (fault !== undefined) return { fault }
  if (new Set(found.map(({ header }) => header)).size !== found.length)
    return { fault: 'two arguments want one header' }
  return found
}

/** Down the `properties`; an annotation elsewhere is on nothing that can be found in arguments. */
function walk(schema: unknown, path: readonly string[], found: Mirror[]): string | undefined {
  if (!isObject(schema)) return holds(schema) ? `${annotation} is on no argument` : undefined
  if (path.length > deepest) return 'it is too deep'
  const { [annotation]: name, type, properties, ...others } = schema
  if (name !== undefined) {
    if (path.length === 0 || !kinds.has(type) || typeof name !== 'string' || !token.test(name))
      return `${annotation} of ${path.join('.') || 'the whole'} is none`
    found.push({ header: `${mirrorPrefix}${name.toLowerCase()}`, path })
  }
  if (holds(others)) return `${annotation} is on no argument`
  if (!isObject(properties)) return holds(properties) ? `${annotation} is on no argument` : undefined
  for (const [member, inner] of Object.entries(properties)) {
    const fault = walk(inner, [...path, member], found)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Members that hold data, and such whose members' names are anything. */
const data: ReadonlySet<string> = new Set(['default', 'const', 'enum', 'examples'])
const named: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
])

/** Whether an annotation is on a schema anywhere in it. */
function holds(value: unknown): boolean {
  const left: unknown[] = [value]
  while (left.length > 0) {
    const one = left.pop()
    if (Array.isArray(one)) for (const inner of one) left.push(inner)
    if (!isObject(one)) continue
    if (Object.hasOwn(one, annotation)) return true
    for (const [member, inner] of Object.entries(one)) {
      if (data.has(member)) continue
      if (named.has(member) && isObject(inner)) for (const each of Object.values(inner)) left.push(each)
      else left.push(inner)
    }
  }
  return false
}

/** The first header that does not say what the arguments say, in words; `undefined` = all agree. */
export function disagreement(
  mirrors: readonly Mirror[],
  headers: IncomingHttpHeaders,
  given: unknown,
): string | undefined {
  const twin = twinIn(mirrors, headers)
  if (twin !== undefined) return twin
  for (const { header, path } of mirrors) {
    const argument = argumentAt(given, path)
    const said = headers[header]
    const name = `Mcp-Param-${header.slice(mirrorPrefix.length)}`
    if (argument === undefined || argument === null) {
      if (said !== undefined) return `${name} is there, and the argument ${path.join('.')} is not.`
      continue
    }
    if (said === undefined) return `${name} is missing: the argument ${path.join('.')} is given.`
    if (!agrees(plain(said), argument)) return `${name} is not the argument ${path.join('.')}.`
  }
  return undefined
}

/** Servers that read `-` and `_` as one (CGI and its kin) would take a header for another one, which was compared. */
function twinIn(mirrors: readonly Mirror[], headers: IncomingHttpHeaders): string | undefined {
  const compared = new Set(mirrors.map(({ header }) => header))
  const read = new Set(mirrors.map(({ header }) => header.replaceAll('-', '_')))
  const twin = Object.keys(headers).find((name) => read.has(name.replaceAll('-', '_')) && !compared.has(name))
  return twin === undefined
    ? undefined
    : `Mcp-Param-${twin.slice(mirrorPrefix.length)} reads as another header.`
}

function argumentAt(given: unknown, path: readonly string[]): unknown {
  let at: unknown = given
  for (const member of path) {
    if (!isObject(at) || !Object.hasOwn(at, member)) return undefined
    at = at[member]
  }
  return at
}

/** Numbers by value; one that some reader could round is none that can be compared. */
function agrees(said: string | undefined, argument: unknown): boolean {
  if (said === undefined) return false
  if (typeof argument === 'string') return said === argument
  if (typeof argument === 'boolean') return said === String(argument)
  if (typeof argument !== 'number' || !Number.isSafeInteger(argument)) return false
  return /^-?[0-9]{1,16}(?:\.0{1,16})?$/.test(said) && Number(said) === argument
}

/** Whether a call has such a header that its tool does not ask for. */
export function hasOthers(mirrors: readonly Mirror[], headers: IncomingHttpHeaders): boolean {
  const known = new Set(mirrors.map(({ header }) => header))
  return Object.keys(headers).some((name) => name.startsWith(mirrorPrefix) && !known.has(name))
}
