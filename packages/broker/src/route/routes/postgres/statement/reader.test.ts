import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { readStatementLine, type StatementRule, statementVerdict } from '@mayfly/policy/statements'
import { openStatementReader, type ReadStatements } from './reader.ts'

let read: ReadStatements
before(async () => {
  read = await openStatementReader()
})

function rule(text: string, more: Partial<StatementRule> = {}): StatementRule {
  const line = readStatementLine(text)
  if (typeof line === 'string') throw new Error(line)
  return { ...line, ...more }
}

/** `yes`, with limits where there are some, or why not. */
function verdict(text: string, rules: readonly StatementRule[]): string {
  const facts = read(text)
  if (typeof facts === 'string') return facts
  return facts
    .map((each) => {
      const found = statementVerdict(rules, each, 'shop')
      if (found.is === 'no') return found.reason
      const { rows, masks } = found.limits
      return [
        'yes',
        ...[...(masks ?? [])].map(([at, mask]) => `${at}=${mask}`),
        ...(rows === undefined ? [] : [`${rows}`]),
      ].join(' ')
    })
    .join('; ')
}

const narrow = [
  rule('SELECT shop.a', { columns: new Set(['id', 'x']) }),
  rule('INSERT|UPDATE shop.a', { columns: new Set(['x']) }),
  rule('SELECT shop.b'),
]

test('what a statement reads and writes is held to the columns of its rules', () => {
  const cases: Readonly<Record<string, string>> = {
    'SELECT id, x FROM a': 'yes',
    'SELECT y FROM a': 'column y',
    'SELECT a.id, z FROM a, b': 'column z',
    'SELECT a.id, b.z FROM a, b': 'yes',
    'SELECT count(*) FROM a': 'yes',
    'SELECT id AS n FROM a ORDER BY n': 'yes',
    'SELECT id AS n FROM a GROUP BY n': 'column n',
    'SELECT id FROM a ORDER BY y': 'column y',
    'SELECT max(id) OVER (ORDER BY y) FROM a': 'column y',
    'SELECT id FROM a WINDOW w AS (PARTITION BY y)': 'column y',
    'UPDATE a SET x = 1 WHERE id = 1': 'yes',
    'UPDATE a SET y = 1 WHERE id = 1': 'column y',
    'UPDATE a SET (x, y) = (SELECT 1, 2) WHERE id = 1': 'column y',
    'UPDATE a SET x = y WHERE id = 1': 'column y',
    'UPDATE a SET x = 1 WHERE id = 1 RETURNING y': 'column y',
    'UPDATE a SET x = 1 WHERE id = 1 RETURNING old.y': 'column y',
    // A WITH query of that name, which the RETURNING does not mean.
    'WITH old AS (SELECT 1 AS y) UPDATE a SET x = 1 WHERE id = 1 RETURNING old.y': 'column y',
    'UPDATE a SET x = 1 WHERE id = 1 RETURNING WITH (OLD AS o) o.y': 'ReturningClause.options',
    'UPDATE a SET x = 1 FROM b WHERE a.id = b.id': 'yes',
    'UPDATE a SET x = 1 FROM b WHERE b.id = 1': 'no condition',
    'UPDATE a SET x = 1 WHERE (SELECT count(id) FROM b) > 0': 'no condition',
    'UPDATE a SET x = 1 WHERE EXISTS (SELECT FROM b WHERE b.id = a.id)': 'yes',
    'INSERT INTO a (x) VALUES (1)': 'yes',
    'INSERT INTO a VALUES (1)': 'could mean any column',
    'INSERT INTO a DEFAULT VALUES': 'yes',
    'INSERT INTO a (x) SELECT z FROM b': 'yes',
    'INSERT INTO a (x) VALUES (1) RETURNING y': 'column y',
    'INSERT INTO a (x) VALUES (1) ON CONFLICT (y) DO NOTHING': 'column y',
    'INSERT INTO a (x) VALUES (1) ON CONFLICT ON CONSTRAINT a_pkey DO NOTHING': 'could mean any column',
    'INSERT INTO a (x) VALUES (1) ON CONFLICT (id) DO UPDATE SET y = 1': 'column y',
    'INSERT INTO a (x) VALUES (1) ON CONFLICT (id) DO UPDATE SET x = excluded.y': 'column y',
    'COPY a (id, x) TO STDOUT': 'yes',
    'COPY a (id, y) TO STDOUT': 'column y',
    'COPY a (x) FROM STDIN': 'yes',
    'COPY a FROM STDIN': 'could mean any column',
    // The name of the row, after a schema that is also the name of something else.
    'SELECT shop.a FROM a, b AS shop': 'could mean any column',
    'SELECT to_json(shop.a) FROM a': 'could mean any column',
    'MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET x = b.z': 'yes',
    'MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET y = 1': 'column y',
    'MERGE INTO a USING b ON true WHEN MATCHED THEN UPDATE SET x = 1': 'no condition',
    'MERGE INTO a USING b ON a.id = b.id WHEN NOT MATCHED BY SOURCE THEN UPDATE SET x = 1': 'no condition',
    'MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE': 'DELETE shop.a',
    'MERGE INTO a USING b ON a.id = b.id WHEN NOT MATCHED THEN INSERT VALUES (1)': 'could mean any column',
    '': '',
    ' ;; ': '',
    'SELECT id FROM a; SELECT y FROM a': 'yes; SELECT shop.a: the column y',
  }
  for (const [text, wanted] of Object.entries(cases)) {
    const found = verdict(text, narrow)
    if (wanted === 'yes' || wanted === '') assert.equal(found, wanted, text)
    else assert.ok(found.includes(wanted), `${text}: ${found}`)
  }
})

test('masks are of columns of the result, and of the most generous rule', () => {
  const masked = [rule('SELECT shop.a', { masks: new Map([['x', 'hash']]), rows: 10 }), rule('SELECT shop.b')]
  assert.equal(verdict('SELECT id, x, a.x AS again FROM a', masked), 'yes 1=hash 2=hash 10')
  assert.equal(verdict('SELECT b.x, a.x FROM a, b', masked), 'yes 1=hash 10')
  assert.equal(verdict('SELECT x, b.y FROM a, b', masked), 'yes 0=hash 10')
  assert.equal(verdict('SELECT id FROM a', masked), 'yes 10')
  assert.equal(verdict('SELECT id, x FROM a', [...masked, rule('SELECT shop.*', { rows: 99 })]), 'yes 99')
  assert.match(verdict('SELECT b.*, a.x FROM a, b', masked), /x is masked/)
  assert.match(verdict('SELECT x, x FROM a WHERE x IS NULL', masked), /x is masked/)
  assert.match(verdict('EXPLAIN SELECT x FROM a', masked), /x is masked/)
})

test('a transaction that would write needs a rule that does', () => {
  const reading = [rule('SELECT shop.a')]
  for (const text of [
    'BEGIN READ WRITE',
    'SET TRANSACTION READ WRITE',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
  ])
    assert.deepEqual(
      [verdict(text, reading), verdict(text, narrow)],
      ['the transaction would write', 'yes'],
      text,
    )
  for (const text of [
    'BEGIN',
    'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY',
    'COMMIT',
    'SET TRANSACTION READ ONLY',
  ])
    assert.equal(verdict(text, reading), 'yes', text)
  assert.match(
    verdict('SET default_transaction_read_only = off', reading),
    /SET default_transaction_read_only/,
  )
  assert.match(
    verdict("SELECT set_config('transaction_read_only', 'off', false)", reading),
    /CALL set_config/,
  )
  assert.match(verdict("SELECT set_config('DateStyle', id::text, false) FROM a", reading), /CALL set_config/)
  assert.equal(verdict("SELECT set_config('statement_timeout', '1s', true)", reading), 'yes')
})

test('functions beyond the known ones are named, with their schema', () => {
  const calls = [rule('CALL shop.close_day'), rule('CALL pg_catalog.nextval')]
  assert.equal(verdict("CALL shop.close_day(); SELECT shop.close_day(), nextval('n')", calls), 'yes; yes')
  assert.equal(verdict('SELECT close_day()', calls), 'CALL close_day')
  assert.equal(verdict('SELECT other.close_day()', calls), 'CALL other.close_day')
  assert.equal(verdict('SELECT shop.upper(1)', calls), 'CALL shop.upper')
})

test('a text that could overflow the parser is refused before it is read, and what comes after is read', () => {
  const deep = 20_000
  for (const text of [
    `SELECT 1${'+1'.repeat(deep)}`,
    `SELECT ${'f('.repeat(deep)}1${')'.repeat(deep)}`,
    `SELECT 1${' union select 1'.repeat(deep)}`,
    `SELECT 1${' isnull'.repeat(deep)}`,
    `SELECT 1${'::a'.repeat(deep)}`,
    `SELECT 1 FROM a${' join a on a'.repeat(deep)}`,
    `SELECT a${'[1]'.repeat(deep)}`,
    `SELECT ${'not '.repeat(deep)}true`,
  ])
    assert.match(
      verdict(text, narrow),
      /too complex|parts within one another|cannot be parsed/,
      text.slice(0, 30),
    )
  assert.equal(verdict(`INSERT INTO a (x) VALUES ${'(1),'.repeat(deep)}(1)`, narrow), 'yes')
  assert.equal(verdict('SELECT id FROM a', narrow), 'yes')
})
