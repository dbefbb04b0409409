/** INSERT, UPDATE, DELETE and MERGE. */
import type { Reference, Relation } from './collected.ts'
import { addName, look, type Place, within } from './expression.ts'
import { listOf, type Members, membersOf, nodeOf, only, textOf, Unread } from './node.ts'
import { from, relation, targets, withQueries } from './query.ts'

/** `top`: its RETURNING is what the caller gets. */
export function insert(members: Members, outer: Place, top = false): void {
  only('InsertStmt', members, [
    ...['relation', 'cols', 'selectStmt', 'onConflictClause', 'returningClause', 'withClause', 'override'],
  ])
  const place = withQueries(members['withClause'], within(outer))
  const cols = listOf(members['cols'])
  const { selectStmt } = members
  if (selectStmt !== undefined) place.query(selectStmt, place)
  const written = writtenBy(cols, place, selectStmt !== undefined)
  const own = apart(place, () => {
    conflict(members, place)
    returning(members['returningClause'], place, top)
  })
  const target = targetOf(members['relation'], 'INSERT', place, own)
  target.columns = written
  const clause = members['onConflictClause']
  if (clause === undefined) return
  const { infer, targetList, action } = membersOf(clause)
  const constraint = infer !== undefined && textOf(membersOf(infer)['conname']) !== undefined
  // It compares columns that its name does not tell.
  if (constraint) target.readAll = true
  if (action !== 'ONCONFLICT_UPDATE') return
  const second = targetOf(members['relation'], 'UPDATE', place, own)
  second.columns = namesIn(listOf(targetList))
}

/** Without a list, all columns are written. */
function writtenBy(cols: readonly unknown[], place: Place, values: boolean): Relation['columns'] {
  for (const each of cols) look(membersOf(nodeOf(each).members)['indirection'], place)
  if (cols.length === 0) return values ? 'all' : new Set()
  return namesIn(cols)
}

function conflict(members: Members, place: Place): void {
  const { onConflictClause } = members
  if (onConflictClause === undefined) return
  const clause = membersOf(onConflictClause)
  only('OnConflictClause', clause, ['action', 'infer', 'targetList', 'whereClause'])
  const { infer } = clause
  if (infer !== undefined) {
    const inferred = membersOf(infer)
    only('InferClause', inferred, ['indexElems', 'whereClause', 'conname'])
    look(inferred['whereClause'], place)
    for (const each of listOf(inferred['indexElems'])) indexed(membersOf(nodeOf(each).members), place)
  }
  targets(listOf(clause['targetList']), place, undefined)
  look(clause['whereClause'], place)
}

function indexed(members: Members, place: Place): void {
  only('IndexElem', members, ['name', 'expr', 'collation', 'ordering', 'nulls_ordering'])
  const name = textOf(members['name'])
  if (name !== undefined) addName(name, place)
  look(members['expr'], place)
}

export function update(members: Members, outer: Place, top = false): void {
  only('UpdateStmt', members, [
    ...['relation', 'targetList', 'whereClause', 'fromClause', 'returningClause', 'withClause'],
  ])
  const place = withQueries(members['withClause'], within(outer))
  const list = listOf(members['targetList'])
  targets(list, place, undefined)
  from(members['fromClause'], place)
  const target = targetOf(members['relation'], 'UPDATE', place)
  target.columns = namesIn(list)
  target.limitedBy = condition(members['whereClause'], place)
  returning(members['returningClause'], place, top)
}

export function remove(members: Members, outer: Place, top = false): void {
  only('DeleteStmt', members, ['relation', 'usingClause', 'whereClause', 'returningClause', 'withClause'])
  const place = withQueries(members['withClause'], within(outer))
  from(members['usingClause'], place)
  const target = targetOf(members['relation'], 'DELETE', place)
  target.limitedBy = condition(members['whereClause'], place)
  returning(members['returningClause'], place, top)
}

export function merge(members: Members, outer: Place, top = false): void {
  only('MergeStmt', members, [
    ...['relation', 'sourceRelation', 'joinCondition', 'mergeWhenClauses', 'returningClause', 'withClause'],
  ])
  const place = withQueries(members['withClause'], within(outer))
  from([members['sourceRelation']], place)
  const joined = condition(members['joinCondition'], place)
  for (const each of listOf(members['mergeWhenClauses'])) when(members['relation'], each, joined, place)
  returning(members['returningClause'], place, top)
}

function when(target: unknown, value: unknown, joined: Relation['limitedBy'], place: Place): void {
  const { kind, members } = nodeOf(value)
  only(kind, members, ['matchKind', 'commandType', 'override', 'condition', 'targetList', 'values'])
  const own = condition(members['condition'], place)
  const list = listOf(members['targetList'])
  targets(list, place, undefined)
  look(members['values'], place)
  // Of rows that the source does not have, the condition between them says nothing.
  const limitedBy = members['matchKind'] === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' ? own : joined
  switch (members['commandType']) {
    case 'CMD_UPDATE': {
      const found = targetOf(target, 'UPDATE', place)
      found.columns = namesIn(list)
      found.limitedBy = limitedBy
      return
    }
    case 'CMD_DELETE': {
      targetOf(target, 'DELETE', place).limitedBy = limitedBy
      return
    }
    case 'CMD_INSERT': {
      targetOf(target, 'INSERT', place).columns = list.length === 0 ? 'all' : namesIn(list)
      return
    }
    case 'CMD_NOTHING': {
      // It is read, whatever is done with it.
      targetOf(target, 'SELECT', place)
      return
    }
    default:
      throw new Unread('MERGE')
  }
}

/** The table that is written, never a WITH query. */
function targetOf(
  value: unknown,
  verb: Relation['verb'],
  place: Place,
  own?: readonly Reference[],
): Relation {
  const found = relation(membersOf(value), verb, { ...place, queries: new Set() })
  if (found === undefined) throw new Unread('a table that is not there')
  if (own === undefined) return found
  const limited: Relation = { ...found, within: own }
  place.collected.relations.splice(place.collected.relations.indexOf(found), 1, limited)
  return limited
}

/** What is looked at meanwhile. */
function apart({ collected }: Place, run: () => void): readonly Reference[] {
  const first = collected.references.length
  run()
  return collected.references.slice(first)
}

/** What limits the rows that are meant: the names in a condition, unless it holds whatever they are. */
function condition(value: unknown, place: Place): Reference[] | 'nothing' {
  const found = apart(place, () => look(value, place))
  return value === undefined || !limits(value) ? 'nothing' : [...found]
}

/** A comparison of a column with itself, and an OR with what is always true, limit nothing. */
function limits(value: unknown): boolean {
  const { kind, members } = nodeOf(value)
  if (kind === 'A_Const') return false
  if (kind === 'BoolExpr') {
    const parts = listOf(members['args']).map(limits)
    return members['boolop'] === 'OR_EXPR' ? !parts.includes(false) : parts.includes(true)
  }
  if (kind === 'A_Expr') {
    const [left, right] = [members['lexpr'], members['rexpr']].map((side) => withoutPlaces(side))
    return left !== right
  }
  return true
}

function withoutPlaces(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (key === 'location' ? undefined : inner)) ?? ''
}

function returning(value: unknown, place: Place, top: boolean): void {
  if (value === undefined) return
  const members = membersOf(value)
  // With other names for OLD and NEW, nobody could tell whose columns they have.
  only('ReturningClause', members, ['exprs'])
  targets(listOf(members['exprs']), place, top ? members : undefined)
}

function namesIn(list: readonly unknown[]): ReadonlySet<string> {
  return new Set(
    list.map((each) => {
      const name = textOf(membersOf(nodeOf(each).members)['name'])
      if (name === undefined) throw new Unread('a column without a name')
      return name
    }),
  )
}
