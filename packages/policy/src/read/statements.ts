/** statements: `scopes: { orders:read: { access: read, statements: [SELECT shop.orders] } }`. */
import {
  type Mask,
  maskNames,
  readStatementLine,
  type StatementRule,
  statementWrites,
} from '../statements.ts'
import type { Faults } from './faults.ts'
import type { Listing } from './listed.ts'
import { fields, mapOf, oneOrMore, textOf } from './shape.ts'
import type { Entry, Tree } from './tree.ts'

/** How a scope lists statements. */
export const statementListing: Listing<StatementRule> = {
  key: 'statements',
  faultCode: 'P043',
  read: readRule,
  writes: statementWrites,
}

/** One statement, or a list of them, as a guardrail names them: what is done with what, and no more. */
export function readStatementList(tree: Tree, faults: Faults): readonly StatementRule[] | undefined {
  const rules = oneOrMore(tree).map((item) => readLine(item, faults))
  const good = rules.filter((rule) => rule !== undefined)
  return good.length === rules.length ? good : undefined
}

/** `SELECT shop.orders`, or `{ statement: SELECT shop.customers, columns: [...], mask: {...}, rows: 1000 }`. */
function readRule(tree: Tree, faults: Faults): StatementRule | undefined {
  if (tree.is !== 'map') return readLine(tree, faults)
  const keys = fields(tree, ['statement', 'columns', 'mask', 'rows', 'every_row'], faults)
  const statement = keys.get('statement')
  if (statement === undefined) {
    faults.error('P043', tree.place, 'this has no `statement`', 'statement: SELECT shop.orders')
    return undefined
  }
  const line = readLine(statement.value, faults)
  if (line === undefined) return undefined
  const columns = readColumns(keys.get('columns'), faults)
  const masks = readMasks(keys.get('mask'), line, faults)
  const rows = readRows(keys.get('rows'), line, faults)
  const everyRow = readEveryRow(keys.get('every_row'), line, faults)
  if (columns === 'fault' || masks === 'fault' || rows === 'fault' || everyRow === 'fault') return undefined
  const stray = [...(masks?.keys() ?? [])].find((column) => columns !== undefined && !columns.has(column))
  if (stray !== undefined) {
    faults.error('P043', tree.place, `the column \`${stray}\` is masked, and \`columns\` does not list it`)
    return undefined
  }
  if (columns !== undefined && ![...line.verbs].every((verb) => /^(SELECT|INSERT|UPDATE)$/.test(verb))) {
    faults.error('P043', tree.place, '`columns` speaks of SELECT, INSERT and UPDATE alone')
    return undefined
  }
  return {
    ...line,
    ...(columns === undefined ? {} : { columns }),
    ...(masks === undefined ? {} : { masks }),
    ...(rows === undefined ? {} : { rows }),
    ...(everyRow === undefined ? {} : { everyRow }),
  }
}

function readLine(tree: Tree, faults: Faults): StatementRule | undefined {
  const text = textOf(tree, 'a statement', faults)
  if (text === undefined) return undefined
  const line = readStatementLine(text)
  if (typeof line !== 'string') return line
  faults.error('P043', tree.place, `\`${text}\` is no statement that a scope lists`, line)
  return undefined
}

function readColumns(entry: Entry | undefined, faults: Faults): ReadonlySet<string> | undefined | 'fault' {
  if (entry === undefined) return undefined
  const names = oneOrMore(entry.value).map((item) => textOf(item, 'a column', faults))
  const good = names.filter((name) => name !== undefined).filter((name) => name !== '*' && name !== '')
  if (good.length === names.length && good.length > 0) return new Set(good)
  faults.error('P043', entry.place, '`columns` is a list of names')
  return 'fault'
}

function readMasks(
  entry: Entry | undefined,
  { verbs }: StatementRule,
  faults: Faults,
): ReadonlyMap<string, Mask> | undefined | 'fault' {
  if (entry === undefined) return undefined
  const map = mapOf(entry.value, '`mask`', faults)
  if (map === undefined) return 'fault'
  if (verbs.size !== 1 || !verbs.has('SELECT')) {
    faults.error('P043', entry.place, '`mask` speaks of SELECT alone: list it apart from the others')
    return 'fault'
  }
  const masks = new Map<string, Mask>()
  for (const { key, place, value } of map.entries) {
    const said = value.is === 'null' ? 'null' : textOf(value, 'a mask', faults)
    const mask = maskNames.find((name) => name === said)
    if (mask === undefined) {
      faults.error('P043', place, `\`${key}\` has no mask of ${maskNames.join(', ')}`)
      return 'fault'
    }
    masks.set(key, mask)
  }
  return masks.size === 0 ? undefined : masks
}

function readRows(
  entry: Entry | undefined,
  { verbs }: StatementRule,
  faults: Faults,
): number | undefined | 'fault' {
  if (entry === undefined) return undefined
  const rows = entry.value.is === 'number' ? Number(entry.value.text) : Number.NaN
  if (Number.isSafeInteger(rows) && rows >= 0 && verbs.has('SELECT')) return rows
  faults.error('P043', entry.place, '`rows` is the most rows of a SELECT, a whole number')
  return 'fault'
}

function readEveryRow(
  entry: Entry | undefined,
  { verbs }: StatementRule,
  faults: Faults,
): true | undefined | 'fault' {
  if (entry === undefined) return undefined
  if (entry.value.is === 'boolean' && entry.value.text === 'false') return undefined
  if (entry.value.is === 'boolean' && (verbs.has('UPDATE') || verbs.has('DELETE'))) return true
  faults.error('P043', entry.place, '`every_row: true` speaks of UPDATE and DELETE')
  return 'fault'
}
