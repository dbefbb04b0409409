/**
 * Whether the arguments of a call fit the input schema of its tool: JSON Schema 2020-12 as far as it is about structure, by an
 * interpreter that compiles nothing. `pattern` and `patternProperties` are left to the server (an expression of somebody
 * else's on a text of a third one's may take for ever), and so are `format` and `unevaluated…`; lists as `items` are read as
 * draft 7 has them. References lead within the schema alone.
 */
import { isObject } from '../message.ts'
import { type Cost, deepest, mostSteps, pay, Untold } from './cost.ts'
import { referred } from './references.ts'
import { isEqual, isOfType, shapeFault } from './shapes.ts'

interface Looking {
  readonly root: unknown
  readonly cost: Cost
}

/** What does not fit, and where, in words without values; `undefined`: all does. A tool without a schema takes anything. */
export function argumentsFault(inputSchema: unknown, given: unknown): string | undefined {
  if (inputSchema === undefined) return undefined
  try {
    return fault(inputSchema, given, '', 0, { root: inputSchema, cost: { left: mostSteps } })
  } catch (thrown) {
    if (thrown instanceof Untold) return `The tool's own schema is at fault: ${thrown.message}.`
    throw thrown
  }
}

type Check = (at: {
  /** The value of the keyword. */
  readonly says: unknown
  readonly schema: Readonly<Record<string, unknown>>
  readonly value: unknown
  readonly place: string
  /** The fault of a value under another schema, one level down. */
  readonly under: (schema: unknown, value: unknown, place: string) => string | undefined
  readonly looking: Looking
}) => string | undefined

function fault(
  schema: unknown,
  value: unknown,
  place: string,
  depth: number,
  looking: Looking,
): string | undefined {
  pay(looking.cost)
  if (depth > deepest) throw new Untold('it is too deep')
  if (schema === true) return undefined
  if (schema === false) return `${placeOf(place)} must not be there.`
  if (!isObject(schema)) throw new Untold('a part of it is no schema')
  const under = (inner: unknown, of: unknown, at: string) => fault(inner, of, at, depth + 1, looking)
  for (const [keyword, says] of entriesOf(schema, looking)) {
    const check = Object.hasOwn(checks, keyword) ? checks[keyword] : undefined
    const found =
      check?.({ says, schema, value, place, under, looking }) ??
      shapeFault(keyword, says, value, looking.cost)
    if (found !== undefined) return found.startsWith('must ') ? `${placeOf(place)} ${found}.` : found
  }
  return undefined
}

const checks: Readonly<Record<string, Check>> = {
  $ref: ({ says, value, place, under, looking }) =>
    under(referred(looking.root, says, looking.cost), value, place),
  $dynamicRef: () => {
    throw new Untold('it has a reference that is not followed here')
  },
  type: ({ says, value, looking }) => {
    const types = listOf(typeof says === 'string' ? [says] : says, looking)
    return types.some((type) => isOfType(type, value)) ? undefined : `must be ${types.join(' or ')}`
  },
  enum: ({ says, value, looking }) =>
    listOf(says, looking).some((one) => isEqual(one, value, looking.cost))
      ? undefined
      : `must be one of ${shown(says, looking)}`,
  const: ({ says, value, looking }) =>
    isEqual(says, value, looking.cost) ? undefined : `must be ${shown(says, looking)}`,
  properties: ({ says, value, place, under, looking }) =>
    first(entriesOf(says, looking), ([name, inner]) =>
      isObject(value) && Object.hasOwn(value, name)
        ? under(inner, value[name], `${place}/${name}`)
        : undefined,
    ),
  required: ({ says, value, looking }) =>
    first(listOf(says, looking), (name) =>
      isObject(value) && !Object.hasOwn(value, String(name)) ? `must have \`${String(name)}\`` : undefined,
    ),
  additionalProperties: ({ says, schema, value, place, under, looking }) => {
    // Which names a pattern takes is the server's to say.
    if (!isObject(value) || schema['patternProperties'] !== undefined) return undefined
    const known = new Set(entriesOf(schema['properties'] ?? {}, looking).map(([name]) => name))
    return first(entriesOf(value, looking), ([name, member]) =>
      known.has(name) ? undefined : under(says, member, `${place}/${name}`),
    )
  },
  propertyNames: ({ says, value, place, under, looking }) =>
    first(isObject(value) ? entriesOf(value, looking) : [], ([name]) =>
      under(says, name, `${place}/${name}`),
    ),
  dependentRequired: ({ says, value, looking }) =>
    first(entriesOf(says, looking), ([name, needed]) => {
      if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
      const missing = listOf(needed, looking).find((each) => !Object.hasOwn(value, String(each)))
      return missing === undefined ? undefined : `must have \`${String(missing)}\``
    }),
  dependentSchemas: ({ says, value, place, under, looking }) =>
    first(entriesOf(says, looking), ([name, inner]) =>
      isObject(value) && Object.hasOwn(value, name) ? under(inner, value, place) : undefined,
    ),
  prefixItems: ({ says, value, place, under, looking }) =>
    prefixFault(listOf(says, looking), value, place, under),
  items: ({ says, schema, value, place, under, looking }) => {
    if (Array.isArray(says)) return prefixFault(says, value, place, under)
    return restFault(listOf(schema['prefixItems'] ?? [], looking).length, says, value, place, under)
  },
  additionalItems: ({ says, schema, value, place, under }) =>
    Array.isArray(schema['items']) ? restFault(schema['items'].length, says, value, place, under) : undefined,
  contains: ({ says, schema, value, place, under }) => {
    if (!Array.isArray(value)) return undefined
    const [least, most] = [schema['minContains'] ?? 1, schema['maxContains'] ?? Number.POSITIVE_INFINITY]
    const fitting = value.filter((item) => under(says, item, place) === undefined).length
    return fitting >= Number(least) && fitting <= Number(most)
      ? undefined
      : 'must have another number of such items'
  },
  allOf: ({ says, value, place, under, looking }) =>
    first(listOf(says, looking), (each) => under(each, value, place)),
  anyOf: ({ says, value, place, under, looking }) =>
    listOf(says, looking).some((each) => under(each, value, place) === undefined)
      ? undefined
      : 'must fit one of its forms',
  oneOf: ({ says, value, place, under, looking }) =>
    listOf(says, looking).filter((each) => under(each, value, place) === undefined).length === 1
      ? undefined
      : 'must fit exactly one of its forms',
  not: ({ says, value, place, under }) =>
    under(says, value, place) === undefined ? 'must not have this form' : undefined,
  if: ({ says, schema, value, place, under }) => {
    const next = under(says, value, place) === undefined ? schema['then'] : schema['else']
    return next === undefined ? undefined : under(next, value, place)
  },
}

type Under = Parameters<Check>[0]['under']

function prefixFault(schemas: readonly unknown[], value: unknown, place: string, under: Under) {
  if (!Array.isArray(value)) return undefined
  return first(schemas.slice(0, value.length).entries(), ([at, each]) =>
    under(each, value[at], `${place}/${at}`),
  )
}

function restFault(from: number, schema: unknown, value: unknown, place: string, under: Under) {
  if (!Array.isArray(value)) return undefined
  return first(value.slice(from).entries(), ([at, item]) => under(schema, item, `${place}/${from + at}`))
}

/** The first fault among them. */
function first<Item>(items: Iterable<Item>, look: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** A list in a schema, paid for: the same one may be looked at again and again. */
function listOf(says: unknown, { cost }: Looking): readonly unknown[] {
  if (!Array.isArray(says)) throw new Untold('a list is missing in it')
  pay(cost, says.length)
  return says
}

function entriesOf(says: unknown, { cost }: Looking): readonly [string, unknown][] {
  if (!isObject(says)) throw new Untold('an object is missing in it')
  const entries = Object.entries(says)
  pay(cost, entries.length)
  return entries
}

/** What a schema says, which the caller can read itself: as much as helps. */
function shown(says: unknown, { cost }: Looking): string {
  const text = JSON.stringify(says)
  pay(cost, text.length)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

/** Names come from a caller: as much as tells which. */
function placeOf(place: string): string {
  return place === '' ? 'The arguments' : place.slice(0, 200)
}
