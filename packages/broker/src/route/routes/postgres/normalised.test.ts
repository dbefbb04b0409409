import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalised } from './normalised.ts'

test('constants become question marks; names, parameters and shape stay', () => {
  const pairs = {
    "SELECT note FROM orders WHERE id = 42 AND who = 'ann'":
      'SELECT note FROM orders WHERE id = ? AND who = ?',
    'SELECT  $1::int,\n\tcol2 FROM "Orders" -- a comment': 'SELECT $1::int, col2 FROM "Orders"',
    "INSERT INTO t VALUES (1, 'a'), (2, 'b''c')": 'INSERT INTO t VALUES (?, ...), ...',
    'SELECT * FROM t WHERE id IN (1, 2,3)': 'SELECT * FROM t WHERE id IN (?, ...)',
    'SELECT 1.5e-7, .5, 0xFF, 1_000, -3': 'SELECT ?, ..., -?',
    "ALTER ROLE a PASSWORD 'hunter2'": 'ALTER ROLE a PASSWORD ?',
    'DO $x$ BEGIN hunter2; END $x$; SELECT $$a$$': 'DO ?; SELECT ?',
    "SELECT E'it\\'s', b'01', U&'d\\0061t', N'x', e'\\\\'": 'SELECT ?, ...',
    '/* hunter2 /* nested */ still */ SELECT now()': 'SELECT now()',
  }
  for (const [text, said] of Object.entries(pairs)) assert.equal(normalised(text), said)
})

test('what a setting of the session could make end elsewhere is not read on', () => {
  assert.equal(normalised("SELECT 'a\\' , hunter2 , 'b'"), 'SELECT [not read]')
  for (const text of ["SELECT 'hunter2", 'SELECT "hunter2', "SELECT E'hunter2\\'"])
    assert.equal(normalised(text), 'SELECT [not read]')
  for (const text of ['SELECT $a$hunter2', '/* hunter2', '-- hunter2'])
    assert.doesNotMatch(normalised(text), /hunter2/)
})

test('what looks like a secret is none of the names', () => {
  const secret = randomBytes(24).toString('hex')
  for (const text of [`SET app.key = x${secret}`, `SELECT "${secret}"`, `LISTEN k${secret}`])
    assert.doesNotMatch(normalised(text), new RegExp(secret))
})

test('no constant of a statement is left, however it is written', () => {
  const secret = 'S3cretZq'
  const forms = fc.constantFrom(
    (text: string) => `'${text.replaceAll("'", "''")}'`,
    (text: string) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
    (text: string) => `$q${'q'}$${text}$qq$`,
    (text: string) => `/* ${text.replaceAll(/[*/]/g, '')} */ 1`,
    (text: string) => `-- ${text.replaceAll(/[\r\n]/g, '')}\n 1`,
  )
  const around = fc.string({
    unit: fc.constantFrom('a', "'", '"', '\\', '$', '-', '/', '*', ' ', '\n', ';'),
    maxLength: 8,
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(forms, around, around), { minLength: 1, maxLength: 5 }), (parts) => {
      const text = `SELECT ${parts.map(([form, before, after]) => form(before.replaceAll('$', '') + secret + after.replaceAll('$', ''))).join(', ')} FROM t`
      return !normalised(text).includes(secret)
    }),
    { numRuns: 2_000, seed: 5 },
  )
})

test('a long text is cut, says so, and is read in little time', () => {
  const long = normalised(`SELECT ${Array.from({ length: 5_000 }, (_, i) => `c${i}`).join(', ')}`)
  assert.match(long, /^SELECT c0, c1.*\[cut: 3\d{4} characters\]$/)
  assert.ok(long.length < 1_100)
  const begun = performance.now()
  for (const piece of ["'", '"', '$a$', '/*', '--', '$', "E'\\", '1.', 'U&', '(1),', '?,'])
    normalised(piece.repeat(1_000_000 / piece.length))
  assert.ok(performance.now() - begun < 2_000)
})
