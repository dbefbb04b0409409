/**
 * What a text of statements would do, read by PostgreSQL's own parser. What cannot be parsed, and what holds a part that
 * nobody thought of, has no facts and is refused.
 */
import type { StatementFacts } from '@mayfly/policy/statements'
import { Failure } from '../../../../base/failure.ts'
import { nothingCollected } from './collected.ts'
import { commands } from './commands.ts'
import { type Place, within } from './expression.ts'
import { factsOf } from './facts.ts'
import { listOf, type Members, membersOf, nodeOf, Unread } from './node.ts'
import { select } from './query.ts'
import { insert, merge, remove, update } from './writing.ts'

/** Of each statement of a text, in order; a text: why there are none. */
export type ReadStatements = (text: string) => readonly StatementFacts[] | string

/** What nests takes at least two characters for each level: a shorter text cannot nest too deep. */
const shortest = 6000
/** More operators and words, or parentheses, could overflow the parser's stack, after which it reads nothing. */
const mostOperators = 3000
const mostParentheses = 1000

/** What pg_dump sends to narrow its own session, with a parameter's name that no reader of the text can vouch for. */
const known: ReadonlySet<string> = new Set([
  "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
])

/** Loads the parser. */
export async function openStatementReader(): Promise<ReadStatements> {
  const { loadModule, parseSync, scanSync, SqlError } = await import('libpg-query')
  await loadModule()
  let broken = false
  const guarded = <Value>(run: () => Value): Value | string => {
    if (broken) throw new Failure('provider_unavailable', { reason: 'the parser of statements is broken' })
    try {
      return run()
    } catch (thrown) {
      if (thrown instanceof Unread) return `rules do not judge ${thrown.what}`
      if (thrown instanceof SqlError) return `it cannot be parsed: ${thrown.message}`
      // Whatever else it throws may have left it in any state.
      broken = true
      throw new Failure('internal', { reason: 'the parser of statements broke', cause: thrown })
    }
  }
  return (text) => {
    if (known.has(text)) return []
    // The parser ends a text there, and reads an empty one as a fault.
    if (text.includes('\0')) return 'it holds a NUL'
    if (/^[\s;]*$/.test(text)) return []
    if (text.length > shortest) {
      const scanned = guarded(() => scanSync(text).tokens)
      if (typeof scanned === 'string') return scanned
      if (tooDeep(scanned)) return 'it is too complex to be judged'
    }
    const parsed = guarded((): unknown => parseSync(text))
    if (typeof parsed === 'string') return parsed
    return guarded(() =>
      listOf(membersOf(parsed)['stmts']).map((each) => factsOfStatement(membersOf(each)['stmt'])),
    )
  }
}

/** Commas, semicolons, names and constants: one after the other, they nest nothing. */
const flat: ReadonlySet<number> = new Set([44, 59, 258, 260, 261, 262, 263, 264, 266, 267])
const [opening, closing] = [40, 41]

function tooDeep(tokens: readonly { readonly tokenType: number }[]): boolean {
  let operators = 0
  let depth = 0
  for (const { tokenType } of tokens) {
    if (tokenType === opening) depth++
    else if (tokenType === closing) depth--
    else if (!flat.has(tokenType)) operators++
    if (depth > mostParentheses || operators > mostOperators) return true
  }
  return false
}

function factsOfStatement(statement: unknown): StatementFacts {
  const { kind, members } = nodeOf(statement)
  const collected = nothingCollected()
  const place: Place = { collected, queries: new Set(), depth: 0, nested: false, query }
  const known = queries[kind]
  if (known !== undefined) known(members, place, true)
  else {
    const command = commands[kind]
    if (command === undefined) throw new Unread(nameOf(kind))
    command(members, place)
  }
  return factsOf(collected)
}

const queries: Readonly<Record<string, (members: Members, place: Place, top?: boolean) => void>> = {
  ...{ SelectStmt: select, InsertStmt: insert, UpdateStmt: update, DeleteStmt: remove, MergeStmt: merge },
}

/** A query within a statement. */
function query(value: unknown, place: Place): void {
  const { kind, members } = nodeOf(value)
  const known = queries[kind]
  if (known === undefined) throw new Unread(nameOf(kind))
  known(members, within(place))
}

/** `AlterTableStmt` as `ALTER TABLE`. */
function nameOf(kind: string): string {
  return kind
    .replace(/Stmt$/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toUpperCase()
}
