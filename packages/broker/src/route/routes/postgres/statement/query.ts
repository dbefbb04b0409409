/** SELECT and what stands in its FROM. */
import type { RelationVerb } from '@mayfly/policy/statements'
import type { Relation } from './collected.ts'
import { addName, addReference, aliasOf, look, type Place, type as typeName, within } from './expression.ts'
import { listOf, type Members, membersOf, nodeOf, only, stringOf, textOf, Unread } from './node.ts'

const selectMembers = [
  ...['distinctClause', 'targetList', 'fromClause', 'whereClause', 'groupClause', 'groupDistinct'],
  ...[
    'havingClause',
    'windowClause',
    'valuesLists',
    'sortClause',
    'limitOffset',
    'limitCount',
    'limitOption',
  ],
  ...['lockingClause', 'withClause', 'op', 'all', 'larg', 'rarg'],
]

/** `top`: its rows are those of the statement. */
export function select(members: Members, outer: Place, top = false): void {
  only('SelectStmt', members, selectMembers)
  const place = withQueries(members['withClause'], within(outer))
  const { larg, rarg } = members
  if (larg !== undefined) select(membersOf(larg), place)
  if (rarg !== undefined) select(membersOf(rarg), place)
  const first = place.collected.relations.length
  from(members['fromClause'], place)
  const shows = top && larg === undefined && rarg === undefined
  targets(listOf(members['targetList']), place, shows ? members : undefined)
  for (const part of ['distinctClause', 'whereClause', 'groupClause', 'havingClause', 'windowClause'])
    look(members[part], place)
  for (const part of ['valuesLists', 'limitOffset', 'limitCount']) look(members[part], place)
  look(
    listOf(members['sortClause']).filter((each) => !byAlias(each, members)),
    place,
  )
  if (members['lockingClause'] !== undefined) locks(listOf(members['lockingClause']), place, first)
}

/** What a row has. `shows`: the SELECT whose rows the caller gets, or the members of a RETURNING. */
export function targets(list: readonly unknown[], place: Place, shows: Members | undefined): void {
  const items = list.map((each) => {
    const { kind, members } = nodeOf(each)
    if (kind !== 'ResTarget') throw new Unread(kind)
    only(kind, members, ['name', 'indirection', 'val'])
    look(members['indirection'], place)
    const { val } = members
    const { kind: what, members: inner } = val === undefined ? { kind: '', members: {} } : nodeOf(val)
    const column = what === 'ColumnRef' ? inner : undefined
    return { alias: textOf(members['name']), val, column }
  })
  const counted = shows !== undefined && !items.some(({ column }) => column !== undefined && isStar(column))
  for (const [at, { alias, val, column }] of items.entries()) {
    const plain = counted && column !== undefined && !reused(shows, alias ?? lastName(column))
    if (plain) addReference(column, place, at)
    else look(val, place)
  }
}

/** Whether rows are put in order, told apart or put together by a column of the result. */
function reused(members: Members, name: string | undefined): boolean {
  if (members['distinctClause'] !== undefined || members['groupClause'] !== undefined) return true
  return listOf(members['sortClause']).some((each) => {
    const { kind, members: by } = nodeOf(nodeOf(each).members['node'])
    if (kind === 'A_Const') return true
    return kind === 'ColumnRef' && listOf(by['fields']).length === 1 && lastName(by) === name
  })
}

/** In an ORDER BY, a name that stands alone is first that of a column of the result. */
function byAlias(sortBy: unknown, { targetList }: Members): boolean {
  const by = nodeOf(sortBy).members
  only('SortBy', by, ['node', 'sortby_dir', 'sortby_nulls'])
  const { kind, members } = nodeOf(by['node'])
  if (kind !== 'ColumnRef' || listOf(members['fields']).length !== 1) return false
  const name = lastName(members)
  return name !== undefined && listOf(targetList).some((each) => nodeOf(each).members['name'] === name)
}

function isStar(column: Members): boolean {
  const last = listOf(column['fields']).at(-1)
  return last !== undefined && nodeOf(last).kind === 'A_Star'
}

function lastName(column: Members): string | undefined {
  const last = listOf(column['fields']).at(-1)
  return last === undefined || isStar(column) ? undefined : stringOf(last)
}

/** What one can see within, after a WITH. Its queries may write. */
export function withQueries(value: unknown, outer: Place): Place {
  if (value === undefined) return outer
  const members = membersOf(value)
  only('WithClause', members, ['ctes', 'recursive'])
  const queries = listOf(members['ctes']).map((each) => {
    const { kind, members: query } = nodeOf(each)
    if (kind !== 'CommonTableExpr') throw new Unread(kind)
    only(kind, query, ['ctename', 'aliascolnames', 'ctematerialized', 'ctequery'])
    return { name: textOf(query['ctename']) ?? '', query: query['ctequery'] }
  })
  const all = queries.map(({ name }) => name)
  for (const name of all) outer.collected.others.add(name)
  for (const [at, { query }] of queries.entries()) {
    // Only with RECURSIVE a query can see itself and those after it; otherwise their names mean tables there.
    const seen = members['recursive'] === true ? all : all.slice(0, at)
    outer.query(query, within(outer, { queries: new Set([...outer.queries, ...seen]) }))
  }
  return { ...outer, queries: new Set([...outer.queries, ...all]) }
}

/** Everything of a FROM; answers with the tables and views in it. */
export function from(value: unknown, place: Place): readonly Relation[] {
  return listOf(value).flatMap((each) => fromItem(each, place))
}

function fromItem(value: unknown, outer: Place): readonly Relation[] {
  const place = within(outer)
  const { kind, members } = nodeOf(value)
  switch (kind) {
    case 'RangeVar': {
      const found = relation(members, 'SELECT', place)
      return found === undefined ? [] : [found]
    }
    case 'JoinExpr':
      return join(members, place)
    case 'RangeSubselect':
      only(kind, members, ['lateral', 'subquery', 'alias'])
      place.query(members['subquery'], place)
      addOther(members, place)
      return []
    case 'RangeFunction':
      only(kind, members, ['lateral', 'ordinality', 'is_rowsfrom', 'functions', 'alias', 'coldeflist'])
      for (const each of listOf(members['functions'])) look(each, place)
      for (const each of listOf(members['coldeflist'])) columnType(each, place)
      addOther(members, place)
      return []
    case 'RangeTableSample':
      only(kind, members, ['relation', 'method', 'args', 'repeatable'])
      if (!sampled(listOf(members['method']).map(stringOf))) throw new Unread('a way of sampling of its own')
      look(members['args'], place)
      look(members['repeatable'], place)
      return fromItem(members['relation'], place)
    default:
      throw new Unread(kind)
  }
}

function sampled(names: readonly string[]): boolean {
  return names.length === 1 && ['system', 'bernoulli'].includes(names[0] ?? '')
}

function columnType(value: unknown, place: Place): void {
  const { kind, members } = nodeOf(value)
  only(kind, members, ['colname', 'typeName', 'is_local'])
  typeName(members['typeName'], place)
}

function addOther(members: Members, { collected }: Place): void {
  const alias = aliasOf(members['alias'])
  if (alias !== undefined) collected.others.add(alias.name)
}

function join(members: Members, place: Place): readonly Relation[] {
  only('JoinExpr', members, [
    ...['jointype', 'isNatural', 'larg', 'rarg', 'usingClause', 'join_using_alias', 'quals', 'alias'],
  ])
  const found = [...fromItem(members['larg'], place), ...fromItem(members['rarg'], place)]
  for (const each of listOf(members['usingClause'])) addName(stringOf(each), place)
  look(members['quals'], place)
  for (const alias of [aliasOf(members['alias']), aliasOf(members['join_using_alias'])])
    for (const each of found) {
      if (alias !== undefined) each.names.add(alias.name)
      if (alias?.renames) each.renamed = true
      // Which columns it compares, nobody reads in the text.
      if (members['isNatural'] === true) each.readAll = true
    }
  return found
}

const relationMembers = ['schemaname', 'relname', 'inh', 'relpersistence', 'alias']

/** A table or view; `undefined` where the name is that of a WITH query. */
export function relation(
  members: Members,
  verb: RelationVerb,
  { collected, queries }: Place,
): Relation | undefined {
  only('RangeVar', members, relationMembers)
  const schema = textOf(members['schemaname'])
  const name = textOf(members['relname'])
  if (name === undefined || members['relpersistence'] !== 'p') throw new Unread('a table of another form')
  const alias = aliasOf(members['alias'])
  if (schema === undefined && verb === 'SELECT' && queries.has(name)) {
    collected.others.add(alias?.name ?? name)
    return undefined
  }
  const found: Relation = {
    ...{ verb, name, names: new Set([alias?.name ?? name]), renamed: alias?.renames ?? false },
    ...(schema === undefined ? {} : { schema }),
    ...{ columns: new Set<string>(), readAll: false },
  }
  collected.relations.push(found)
  return found
}

/** FOR UPDATE and its like: rows of every table of the query, whichever it names. */
function locks(list: readonly unknown[], { collected }: Place, first: number): void {
  for (const each of list)
    only('LockingClause', nodeOf(each).members, ['lockedRels', 'strength', 'waitPolicy'])
  for (const { verb, schema, name } of collected.relations.slice(first)) {
    if (verb !== 'SELECT') continue
    const locked: Relation = {
      ...{
        verb: 'LOCK',
        name,
        names: new Set(),
        renamed: false,
        columns: new Set(),
        readAll: false,
        within: [],
      },
      ...(schema === undefined ? {} : { schema }),
    }
    collected.relations.push(locked)
  }
}
