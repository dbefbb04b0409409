/** Statements that are no query: those that are known, with what each would do. */
import { addCall, look, type Place } from './expression.ts'
import { listOf, type Members, membersOf, nodeOf, only, stringOf, textOf, Unread } from './node.ts'
import { relation } from './query.ts'
import { maySet, mayShow } from './session-settings.ts'

type Look = (members: Members, place: Place) => void

/** By kind of node. */
export const commands: Readonly<Record<string, Look>> = {
  TransactionStmt: transaction,
  VariableSetStmt: set,
  VariableShowStmt(members) {
    only('VariableShowStmt', members, ['name'])
    const name = textOf(members['name']) ?? ''
    if (!mayShow(name)) throw new Unread(`SHOW ${name}`)
  },
  CopyStmt: copy,
  CallStmt(members, place) {
    only('CallStmt', members, ['funccall'])
    const inner = membersOf(members['funccall'])
    // As the name of a procedure is looked up, one of ours that computes alone is not meant.
    addCall(inner['funcname'], place)
    look({ FuncCall: inner }, place)
  },
  ExplainStmt(members, place) {
    only('ExplainStmt', members, ['query', 'options'])
    for (const each of listOf(members['options'])) {
      const { defname } = nodeOf(each).members
      if (!explained.has(textOf(defname) ?? '')) throw new Unread(`EXPLAIN with ${String(defname)}`)
    }
    place.query(members['query'], place)
  },
  PrepareStmt(members, place) {
    only('PrepareStmt', members, ['name', 'argtypes', 'query'])
    place.query(members['query'], place)
    place.collected.kept = 'keeps'
  },
  ExecuteStmt(members, place) {
    only('ExecuteStmt', members, ['name', 'params'])
    look(members['params'], place)
    place.collected.kept = 'runs'
  },
  DeallocateStmt: (members) => only('DeallocateStmt', members, ['name', 'isall']),
  DeclareCursorStmt(members, place) {
    only('DeclareCursorStmt', members, ['portalname', 'options', 'query'])
    place.query(members['query'], place)
    place.collected.kept = 'keeps'
  },
  FetchStmt(members, place) {
    only('FetchStmt', members, ['direction', 'howMany', 'portalname', 'ismove', 'direction_keyword'])
    place.collected.kept = 'runs'
  },
  ClosePortalStmt: (members) => only('ClosePortalStmt', members, ['portalname']),
  LockStmt(members, place) {
    only('LockStmt', members, ['relations', 'mode', 'nowait'])
    // ACCESS SHARE is what reading takes by itself.
    for (const each of listOf(members['relations']))
      relation(nodeOf(each).members, members['mode'] === 1 ? 'SELECT' : 'LOCK', nowhere(place))
  },
  TruncateStmt(members, place) {
    only('TruncateStmt', members, ['relations', 'restart_seqs', 'behavior'])
    if (members['behavior'] !== 'DROP_RESTRICT') throw new Unread('TRUNCATE with CASCADE')
    for (const each of listOf(members['relations']))
      relation(nodeOf(each).members, 'TRUNCATE', nowhere(place))
  },
  ListenStmt: channel('LISTEN', 'ListenStmt'),
  NotifyStmt: channel('NOTIFY', 'NotifyStmt'),
  UnlistenStmt: (members) => only('UnlistenStmt', members, ['conditionname']),
  DiscardStmt: (members) => only('DiscardStmt', members, ['target']),
}

const explained: ReadonlySet<string> = new Set([
  ...['analyze', 'verbose', 'costs', 'settings', 'generic_plan', 'buffers', 'serialize', 'wal', 'timing'],
  ...['summary', 'memory', 'format'],
])

/** The names of WITH queries mean nothing here. */
function nowhere(place: Place): Place {
  return { ...place, queries: new Set() }
}

function channel(verb: 'LISTEN' | 'NOTIFY', kind: string): Look {
  return (members, { collected }) => {
    only(kind, members, ['conditionname', 'payload'])
    collected.channels.push({ verb, name: textOf(members['conditionname']) ?? '' })
  }
}

const transactionKinds: ReadonlySet<unknown> = new Set(
  ['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ROLLBACK_TO'].map(
    (word) => `TRANS_STMT_${word}`,
  ),
)

function transaction(members: Members, place: Place): void {
  if (!transactionKinds.has(members['kind'])) throw new Unread('a transaction of two phases')
  only('TransactionStmt', members, ['kind', 'options', 'savepoint_name', 'chain'])
  modes(listOf(members['options']), place)
}

/** ISOLATION LEVEL, READ ONLY, READ WRITE, DEFERRABLE. */
function modes(options: readonly unknown[], { collected }: Place): void {
  for (const each of options) {
    const { kind, members } = nodeOf(each)
    only(kind, members, ['defname', 'arg', 'defaction'])
    const name = textOf(members['defname'])
    if (name === 'transaction_read_only') {
      const on = membersOf(nodeOf(members['arg']).members['ival'])['ival'] === 1
      if (!on) collected.wantsToWrite = true
    } else if (name !== 'transaction_isolation' && name !== 'transaction_deferrable')
      throw new Unread(`a transaction with ${name ?? 'something else'}`)
  }
}

function set(members: Members, place: Place): void {
  only('VariableSetStmt', members, ['kind', 'name', 'args', 'is_local', 'jumble_args'])
  const name = textOf(members['name']) ?? ''
  switch (members['kind']) {
    case 'VAR_RESET_ALL':
      return
    case 'VAR_RESET':
    case 'VAR_SET_DEFAULT':
      if (!maySet(name, undefined)) throw new Unread(`SET ${name}`)
      return
    case 'VAR_SET_MULTI':
      if (name !== 'TRANSACTION' && name !== 'SESSION CHARACTERISTICS') throw new Unread(`SET ${name}`)
      modes(listOf(members['args']), place)
      return
    default: {
      const known = members['kind'] === 'VAR_SET_VALUE' && maySet(name, oneValue(members['args']))
      if (!known) throw new Unread(`SET ${name}`)
    }
  }
}

/** The one value of a SET, in lower case where it is a text. Throws `Unread` for several. */
function oneValue(args: unknown): string {
  const [first, second] = listOf(args)
  if (first === undefined || second !== undefined) throw new Unread('SET with several values')
  const { kind, members } = nodeOf(first)
  const text = kind === 'A_Const' ? members['sval'] : undefined
  // A number, or an interval for a time zone.
  if (text === undefined) return '?'
  return (textOf(membersOf(text)['sval']) ?? '').toLowerCase()
}

const copyOptions: ReadonlySet<string> = new Set([
  ...['format', 'delimiter', 'null', 'default', 'header', 'quote', 'escape', 'force_quote'],
  ...['force_not_null', 'force_null', 'on_error', 'reject_limit', 'log_verbosity'],
])

/** To the caller and from the caller alone. */
function copy(members: Members, place: Place): void {
  only('CopyStmt', members, ['relation', 'query', 'attlist', 'is_from', 'options', 'whereClause'])
  for (const each of listOf(members['options'])) {
    const name = textOf(nodeOf(each).members['defname']) ?? ''
    if (!copyOptions.has(name)) throw new Unread(`COPY with ${name}`)
  }
  look(members['whereClause'], place)
  if (members['query'] !== undefined) {
    place.query(members['query'], place)
    return
  }
  const columns = listOf(members['attlist']).map(stringOf)
  const found = relation(
    membersOf(members['relation']),
    members['is_from'] === true ? 'INSERT' : 'SELECT',
    nowhere(place),
  )
  if (found === undefined) throw new Unread('a table that is not there')
  if (found.verb === 'INSERT') found.columns = columns.length === 0 ? 'all' : new Set(columns)
  else if (columns.length === 0) found.readAll = true
  else place.collected.references.push(...columns.map((name) => ({ name, star: false, nested: false })))
}
