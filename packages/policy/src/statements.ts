/**
 * statements: what a scope means at a database. A scope lists statements: what may be done with which tables, functions
 * and channels, and for tables with which columns, rows and masks. What no scope lists is refused. As in PostgreSQL's own
 * privileges, whatever a statement reads, in a WHERE or in a RETURNING too, needs a SELECT. Pure; the policy's reader
 * makes the rules, whoever carries statements asks them.
 */
import { readableCatalog } from './catalog-relations.ts'

const relationVerbs = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LOCK'] as const
const channelVerbs = ['LISTEN', 'NOTIFY'] as const

/** What is done with a table or view. */
export type RelationVerb = (typeof relationVerbs)[number]
type Verb = RelationVerb | 'CALL' | (typeof channelVerbs)[number]

/** What a value becomes: nothing, stars, a text that is the same for the same value, or its last four characters. */
export type Mask = 'null' | 'text' | 'hash' | 'last4'

export const maskNames: readonly Mask[] = ['null', 'text', 'hash', 'last4']

/** One line of a scope. */
export interface StatementRule {
  /** As it was written, `SELECT|UPDATE shop.orders`. */
  readonly text: string
  readonly verbs: ReadonlySet<string>
  /** Absent: of any schema, and for channels. */
  readonly schema?: string
  /** Absent: any of the schema. */
  readonly name?: string
  /** Those that may be read or written; absent: all. */
  readonly columns?: ReadonlySet<string>
  readonly masks?: ReadonlyMap<string, Mask>
  /** The most rows of a result. */
  readonly rows?: number
  /** An UPDATE or DELETE may be of every row. */
  readonly everyRow?: true
}

/** One thing that a statement does with a table or view. */
export interface RelationUse {
  readonly verb: RelationVerb
  /** Absent where the statement does not say it. */
  readonly schema?: string
  readonly name: string
  /** Columns that it could read (SELECT) or does write. */
  readonly columns: ReadonlySet<string> | 'all'
  /** Those that the result shows as they are, with their places in it, from 0. */
  readonly shown: ReadonlyMap<string, readonly number[]>
  /** Those that something else depends on as well. */
  readonly hidden: ReadonlySet<string>
  /** An UPDATE or DELETE that no condition on the table limits. */
  readonly everyRow: boolean
}

/** What one statement would do. Nothing in it is left out. */
export interface StatementFacts {
  readonly relations: readonly RelationUse[]
  /** Functions and procedures that are not known to do nothing but compute. */
  readonly calls: readonly { readonly schema?: string; readonly name: string }[]
  readonly channels: readonly { readonly verb: 'LISTEN' | 'NOTIFY'; readonly name: string }[]
  /** Names by which a server may call functions that no text says; for whoever knows its catalog. */
  readonly spoken?: SpokenNames
  /** It begins a transaction that may write, in words. */
  readonly wantsToWrite: boolean
  /** It has something run later that its text shows (PREPARE, DECLARE), or runs what was kept (EXECUTE, FETCH). */
  readonly kept?: 'keeps' | 'runs'
}

/** Names that may call something: `o.total` is `total(o)` where there is such a function and no such column. */
export interface SpokenNames {
  /** Behind a dot. */
  readonly attribute: ReadonlySet<string>
  readonly operator: ReadonlySet<string>
  readonly type: ReadonlySet<string>
  /** Of functions that PostgreSQL has itself. */
  readonly function: ReadonlySet<string>
}

/** What holds for the rows of one statement. */
export interface ResultLimits {
  readonly rows?: number
  /** By column of the result, from 0. */
  readonly masks?: ReadonlyMap<number, Mask>
}

export type StatementVerdict =
  | { readonly is: 'yes'; readonly limits: ResultLimits }
  | { readonly is: 'no'; readonly reason: string }

const plainName = /^[a-z_][a-z0-9_$]{0,62}$/

/** Reads `SELECT|UPDATE shop.orders`, `* shop.*`, `CALL shop.close_day`, `LISTEN news`. Answers with what is wrong as a text. */
export function readStatementLine(text: string): StatementRule | string {
  const space = text.indexOf(' ')
  const said = space === -1 ? [] : text.slice(0, space).split('|')
  const names = namesOf(text.slice(space + 1))
  if (said.length === 0 || names === undefined)
    return 'write what is done and with what: `SELECT shop.orders`, `CALL shop.close_day`, `LISTEN news`'
  const verbs = said.length === 1 && said[0] === '*' ? [...relationVerbs] : said
  const wrong = verbs.find((verb) => !isVerb(verb))
  if (wrong !== undefined)
    return `\`${wrong}\` is none of ${[...relationVerbs, 'CALL', ...channelVerbs].join(', ')}, or * for all that is done with tables`
  const kinds = new Set(verbs.map(kindOf))
  if (kinds.size > 1) return 'tables, functions and channels are listed apart'
  const kind = kinds.has('channel') ? 'channel' : kinds.has('CALL') ? 'CALL' : 'relation'
  const place = placeOf(kind, names)
  return typeof place === 'string' ? place : { text, verbs: new Set(verbs), ...place }
}

function isVerb(text: string): text is Verb {
  return text === 'CALL' || [...relationVerbs, ...channelVerbs].some((verb) => verb === text)
}

function kindOf(verb: string): 'channel' | 'CALL' | 'relation' {
  if (verb === 'CALL') return verb
  return channelVerbs.some((each) => each === verb) ? 'channel' : 'relation'
}

function placeOf(
  kind: 'channel' | 'CALL' | 'relation',
  names: readonly string[],
): Pick<StatementRule, 'schema' | 'name'> | string {
  const [first = '', second] = names
  if (kind === 'channel')
    return second === undefined ? (first === '*' ? {} : { name: first }) : 'a channel has no schema'
  if (second === undefined)
    return first === '*' && kind === 'relation' ? {} : 'name the schema as well: `shop.orders`, `shop.*`'
  if (first === '*') return 'name the schema: `shop.*`'
  if (kind === 'CALL' && first === 'pg_catalog' && second === '*')
    return 'name the function: some of that schema read files or run what they are given'
  return second === '*' ? { schema: first } : { schema: first, name: second }
}

/** Names with dots between them, in double quotes where they are not plain; a star stays one. At most two. */
function namesOf(text: string): readonly string[] | undefined {
  const found = /^(\*|[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")(?:\.(\*|[a-z_][a-z0-9_$]*|"(?:[^"]|"")+"))?$/u.exec(
    text,
  )
  if (found === null) return undefined
  const names = [found[1], found[2]].filter((name) => name !== undefined)
  // A quoted star would be taken for the other one.
  if (names.includes('"*"')) return undefined
  return names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name))
}

/** A rule as a reader of a change sees it. */
export function statementText({ text, columns, masks, rows, everyRow }: StatementRule): string {
  return [
    text,
    ...(columns === undefined ? [] : [`(${[...columns].toSorted().join(', ')})`]),
    ...[...(masks ?? [])].map(([column, mask]) => `${column}=${mask}`).toSorted(),
    ...(rows === undefined ? [] : [`rows<=${rows}`]),
    ...(everyRow === undefined ? [] : ['every row']),
  ].join(' ')
}

/** Whether some statement is listed by both. */
export function statementsOverlap(a: StatementRule, b: StatementRule): boolean {
  if (![...a.verbs].some((verb) => b.verbs.has(verb))) return false
  const differ = (one: string | undefined, other: string | undefined) =>
    one !== undefined && other !== undefined && one !== other
  return !differ(a.schema, b.schema) && !differ(a.name, b.name)
}

/** Whether it can change something. A function is believed to, whatever it is called. */
export function statementWrites({ verbs }: StatementRule): boolean {
  return [...verbs].some((verb) => verb !== 'SELECT' && verb !== 'LISTEN')
}

/** Whether what it lets through is limited in rows or masked. */
export function limitsResults({ rows, masks }: StatementRule): boolean {
  return rows !== undefined || masks !== undefined
}

/**
 * What rules say of a statement. `schema`: the one in which names without a schema are looked up, where there is one.
 * Each use is judged by the most generous rule that lists it, so that another scope never takes something away.
 */
export function statementVerdict(
  rules: readonly StatementRule[],
  facts: StatementFacts,
  schema: string | undefined,
): StatementVerdict {
  const limited = rules.some(limitsResults)
  if (facts.kept === 'runs' && limited)
    return no('what was prepared or declared before is run by name, and results here have limits')
  if (facts.wantsToWrite && !rules.some(statementWrites)) return no('the transaction would write')
  for (const { verb, name } of facts.channels)
    if (!rules.some((rule) => rule.verbs.has(verb) && (rule.name ?? name) === name))
      return no(`${verb} ${quoted(name)}`)
  for (const call of facts.calls) {
    const found = { schema: call.schema ?? 'pg_catalog', name: call.name }
    if (!rules.some((rule) => rule.verbs.has('CALL') && speaksOf(rule, found)))
      return no(`CALL ${nameText(call.schema, call.name)}`)
  }
  const masks = new Map<number, Mask>()
  let rows = Number.POSITIVE_INFINITY
  for (const use of facts.relations) {
    const rule = judged(rules, use, schema)
    if (typeof rule === 'string') return no(rule)
    rows = Math.min(rows, rule.rows ?? rows)
    for (const [column, mask] of rule.masks ?? [])
      for (const place of use.shown.get(column) ?? []) masks.set(place, mask)
  }
  if (facts.kept === 'keeps' && (masks.size > 0 || rows < Number.POSITIVE_INFINITY))
    return no('the rows of what is prepared or declared have limits: send it as a statement of its own')
  return {
    is: 'yes',
    limits: { ...(rows < Number.POSITIVE_INFINITY ? { rows } : {}), ...(masks.size > 0 ? { masks } : {}) },
  }
}

function no(reason: string): StatementVerdict {
  return { is: 'no', reason }
}

/** The rule that lets a use through, or why none does. */
function judged(
  rules: readonly StatementRule[],
  use: RelationUse,
  schema: string | undefined,
): StatementRule | string {
  const { verb, name } = use
  // PostgreSQL looks into pg_catalog first, and every name there begins so.
  const place = use.schema ?? (name.startsWith('pg_') ? 'pg_catalog' : schema)
  if (place === undefined) return `${quoted(name)} has no schema`
  const what = `${verb} ${nameText(place, name)}`
  const listed = rules.filter((rule) => rule.verbs.has(verb) && speaksOf(rule, { schema: place, name }))
  if (listed.length === 0) return what
  const reasons: string[] = []
  const fitting = listed.filter((rule) => {
    const reason = outside(rule, use)
    if (reason !== undefined) reasons.push(reason)
    return reason === undefined
  })
  const [best] = fitting.toSorted(
    (a, b) => (a.masks?.size ?? 0) - (b.masks?.size ?? 0) || (b.rows ?? 2 ** 53) - (a.rows ?? 2 ** 53),
  )
  return best ?? `${what}: ${reasons[0] ?? ''}`
}

/** What of a use a rule does not list, although it lists its verb and table. */
function outside(
  rule: StatementRule,
  { verb, columns, shown, hidden, everyRow }: RelationUse,
): string | undefined {
  if (everyRow && (verb === 'UPDATE' || verb === 'DELETE') && rule.everyRow === undefined)
    return 'no condition on the table limits it to some rows'
  const masked = verb === 'SELECT' ? [...(rule.masks?.keys() ?? [])] : []
  if (columns === 'all')
    return rule.columns === undefined && masked.length === 0
      ? undefined
      : 'it could mean any column: name them'
  const other = rule.columns && [...columns].find((column) => !rule.columns?.has(column))
  if (other !== undefined)
    return `the column ${quoted(other)} (if it is of another table, write that table's name before it)`
  const used = masked.find((column) => columns.has(column) && (hidden.has(column) || !shown.has(column)))
  return used === undefined
    ? undefined
    : `the column ${quoted(used)} is masked: it may be shown as it is, and nothing else may depend on it`
}

/** What reveals no row of a table and no secret, whoever may see the catalogs at all. */
function speaksOf(rule: StatementRule, place: { readonly schema: string; readonly name: string }): boolean {
  const { schema, name } = rule
  if (name !== undefined) return name === place.name && schema === place.schema
  if (schema !== undefined)
    return schema === place.schema && (schema !== 'pg_catalog' || readableCatalog.has(place.name))
  return !place.schema.startsWith('pg_') && place.schema !== 'information_schema'
}

function nameText(schema: string | undefined, name: string): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

function quoted(name: string): string {
  return plainName.test(name) ? name : JSON.stringify(name)
}
