/** Expressions: everything in them is looked at, and what is not known is refused. */
import type { Collected, Reference } from './collected.ts'
import { harmless } from './functions.ts'
import {
  isMembers,
  listOf,
  type Members,
  membersOf,
  nodeOf,
  only,
  places,
  stringOf,
  textOf,
  Unread,
} from './node.ts'
import { maySet, mayShow } from './session-settings.ts'
import { shapes } from './shapes.ts'

/** Queries within one another, and expressions within one another. */
const deepest = 600

/** Where in a statement something stands. */
export interface Place {
  readonly collected: Collected
  /** Names of WITH queries that can be seen from here. */
  readonly queries: ReadonlySet<string>
  readonly depth: number
  /** Queries within an expression around it. */
  readonly nested: boolean
  /** Looks at a query within. */
  readonly query: (value: unknown, place: Place) => void
}

/** A level further in. Throws `Unread` where nobody would write it. */
export function within(place: Place, more: Partial<Place> = {}): Place {
  if (place.depth >= deepest) throw new Unread('too many parts within one another')
  return { ...place, depth: place.depth + 1, ...more }
}

/** A node, a list of nodes, or nothing. */
export function look(value: unknown, place: Place): void {
  if (value === undefined) return
  if (Array.isArray(value)) {
    for (const each of value) look(each, place)
    return
  }
  // The parser writes an empty place of a list so.
  if (isMembers(value) && Object.keys(value).length === 0) return
  const { kind, members } = nodeOf(value)
  lookAt(kind, members, within(place))
}

function lookAt(kind: string, members: Members, place: Place): void {
  const special = specials[kind]
  if (special !== undefined) {
    special(members, place)
    return
  }
  const shape = shapes[kind]
  if (shape === undefined) throw new Unread(`a part of it (${kind})`)
  for (const [name, value] of Object.entries(members)) {
    if (shape.nodes?.includes(name)) look(value, place)
    else if (shape.plain?.includes(name) !== true && !places.has(name))
      throw new Unread(`a part of it (${kind}.${name})`)
  }
}

const specials: Readonly<Record<string, (members: Members, place: Place) => void>> = {
  ColumnRef: (members, place) => addReference(members, place),
  FuncCall: call,
  TypeCast(members, place) {
    only('TypeCast', members, ['arg', 'typeName'])
    look(members['arg'], place)
    type(members['typeName'], place)
  },
  A_Indirection(members, place) {
    only('A_Indirection', members, ['arg', 'indirection'])
    for (const each of listOf(members['indirection']))
      if (nodeOf(each).kind === 'String') place.collected.spoken.attribute.add(stringOf(each))
    look(members['arg'], place)
    look(members['indirection'], place)
  },
  CollateClause(members, place) {
    only('CollateClause', members, ['arg', 'collname'])
    look(members['arg'], place)
    for (const each of listOf(members['collname'])) stringOf(each)
  },
  A_Expr(members, place) {
    only('A_Expr', members, ['kind', 'name', 'lexpr', 'rexpr'])
    const names = listOf(members['name']).map(stringOf)
    if (names.length > 1 && names[0] !== 'pg_catalog') throw new Unread('an operator of another schema')
    addOperator(names, place)
    look(members['lexpr'], place)
    look(members['rexpr'], place)
  },
  SubLink(members, place) {
    only('SubLink', members, ['subLinkType', 'subLinkId', 'testexpr', 'operName', 'subselect'])
    if (listOf(members['operName']).length > 1) throw new Unread('an operator of another schema')
    addOperator(listOf(members['operName']).map(stringOf), place)
    look(members['testexpr'], place)
    place.query(members['subselect'], within(place, { nested: true }))
  },
}

/** Remembers what a name may stand for. `shown`: its place in the result, where that shows it as it is. */
export function addReference(members: Members, { collected, nested }: Place, shown?: number): void {
  only('ColumnRef', members, ['fields'])
  const fields = listOf(members['fields']).map((field) => {
    const { kind } = nodeOf(field)
    return kind === 'A_Star' ? undefined : stringOf(field)
  })
  const name = fields.at(-1)
  const qualifier = fields.at(-2)
  if (fields.length === 0 || fields.slice(0, -1).includes(undefined))
    throw new Unread('a name of another form')
  const reference: Reference = {
    ...{ name: name ?? '*', star: name === undefined, nested },
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(shown === undefined ? {} : { shown }),
  }
  collected.references.push(reference)
  if (qualifier !== undefined && name !== undefined) collected.spoken.attribute.add(name)
}

/** One that stands alone is looked for in the schemas of the session. */
function addOperator(names: readonly string[], { collected }: Place): void {
  const [name, ...more] = names
  if (name === undefined || more.length > 0) return
  const meant = name.includes('BETWEEN') ? ['>=', '<=', '<', '>'] : [name]
  for (const each of meant) collected.spoken.operator.add(each)
}

/** A reference that the text makes by a bare name, as in USING. */
export function addName(name: string, { collected, nested }: Place): void {
  collected.references.push({ name, star: false, nested })
}

const callMembers = [
  ...['funcname', 'args', 'agg_order', 'agg_filter', 'over', 'agg_within_group', 'agg_star'],
  ...['agg_distinct', 'func_variadic', 'funcformat'],
]

function call(members: Members, place: Place): void {
  only('FuncCall', members, callMembers)
  if (!isSetting(members)) addCall(members['funcname'], place)
  for (const part of ['args', 'agg_order', 'agg_filter']) look(members[part], place)
  const { over } = members
  if (over !== undefined) lookAt('WindowDef', membersOf(over), within(place))
}

/** `current_setting` and `set_config` of what SHOW and SET may name too, said in the text itself. */
function isSetting({ funcname, args }: Members): boolean {
  const names = listOf(funcname).map(stringOf)
  if (names.length === 2 && names[0] !== 'pg_catalog') return false
  const [name, value] = listOf(args).map(constantOf)
  if (name === undefined) return false
  if (names.at(-1) === 'current_setting') return mayShow(name)
  return names.at(-1) === 'set_config' && value !== undefined && maySet(name, value.toLowerCase())
}

function constantOf(value: unknown): string | undefined {
  const { kind, members } = nodeOf(value)
  const { sval } = members
  return kind === 'A_Const' && sval !== undefined ? (textOf(membersOf(sval)['sval']) ?? '') : undefined
}

/** A function or procedure by its name. */
export function addCall(value: unknown, { collected }: Place): void {
  const names = listOf(value).map(stringOf)
  const name = names.at(-1)
  const schema = names.at(-2)
  if (name === undefined || names.length > 2) throw new Unread('a function of another database')
  if (harmless.has(name) && (schema === undefined || schema === 'pg_catalog')) {
    if (schema === undefined) collected.spoken.function.add(name)
    return
  }
  collected.calls.push(schema === undefined ? { name } : { schema, name })
}

/** The name of a type: what it reads a text by computes alone, or is what its own schema says. */
export function type(value: unknown, place: Place): void {
  const members = membersOf(value)
  only('TypeName', members, ['names', 'typmods', 'typemod', 'arrayBounds'])
  const names = listOf(members['names']).map(stringOf)
  place.collected.spoken.type.add(names.at(-1) ?? '')
  look(members['typmods'], place)
  look(members['arrayBounds'], place)
}

/** `AS name`, and `AS name(columns)`. */
export function aliasOf(value: unknown): { readonly name: string; readonly renames: boolean } | undefined {
  if (value === undefined) return undefined
  const members = membersOf(value)
  only('Alias', members, ['aliasname', 'colnames'])
  const name = textOf(members['aliasname'])
  if (name === undefined) throw new Unread('an alias without a name')
  return { name, renames: listOf(members['colnames']).length > 0 }
}
