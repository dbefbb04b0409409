import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStatements, dropStatements, filledStatements } from './statements.ts'

const dialects = ['postgres', 'mysql'] as const
const make = 'CREATE USER {{name}} PASSWORD {{password}}'

const faultsOf = (text: string, dialect: (typeof dialects)[number]) =>
  createStatements(dialect)
    .safeParse([make, text])
    .error?.issues.map(({ message }) => message)
    .join('\n')

test('a statement has its places filled in once, with what was quoted for its server', () => {
  const [made, granted] = filledStatements([make, 'GRANT {{roles}} TO {{name}}'], {
    name: '"mayfly_a"',
    password: "'{{name}}'",
    until: '',
    roles: '"app", "reader"',
  })
  assert.equal(made, `CREATE USER "mayfly_a" PASSWORD '{{name}}'`)
  assert.equal(granted, 'GRANT "app", "reader" TO "mayfly_a"')
})

test('a place stands outside of quotes, by itself', () => {
  const fine = [
    'ALTER ROLE {{name}} SET search_path = shop, "$user"',
    "SELECT register({{name}}, 'it''s', {{until}});",
    'SELECT a$b$ FROM c WHERE d={{password}}',
  ]
  for (const dialect of dialects) {
    for (const text of fine) assert.equal(faultsOf(text, dialect), undefined, text)
    for (const text of [
      "SELECT '{{password}}'",
      "SELECT 'it''s {{name}}'",
      'SELECT "{{name}}"',
      "SELECT 'a' 'b {{until}} c'",
    ])
      assert.match(faultsOf(text, dialect) ?? '', /inside quotes/, text)
    for (const text of [
      "SELECT 'a'{{password}}",
      'ALTER USER x{{name}}',
      'DROP "a"{{name}}',
      'A {{name}}{{name}}',
    ])
      assert.match(faultsOf(text, dialect) ?? '', /on both sides/, text)
    for (const text of ["SELECT 'a", 'SELECT "a', `SELECT 'a' "`])
      assert.match(faultsOf(text, dialect) ?? '', /does not end/, text)
    for (const text of ['DROP {{user}}', 'DROP {{ name }}', 'DROP {{', 'DROP {{{name}}}'])
      assert.match(faultsOf(text, dialect) ?? '', /a place that is not|both sides/, text)
    for (const text of ['SELECT 1 -- {{name}}', 'SELECT /* {{name}} */ 1', '--'])
      assert.match(faultsOf(text, dialect) ?? '', /comment/, text)
    assert.match(faultsOf("SELECT 'it\\'s {{name}}", dialect) ?? '', /backslash/)
  }
})

test('each server has quotes and comments of its own', () => {
  assert.match(faultsOf('DO $$ {{name}} $$', 'postgres') ?? '', /inside quotes/)
  assert.match(faultsOf('DO $a$ $$ {{name}} $a$', 'postgres') ?? '', /inside quotes/)
  assert.match(faultsOf('DO $a$ x', 'postgres') ?? '', /does not end/)
  // Here `x$a$` is one name, so what follows is a text: read as the start of a quote it would hide the other.
  assert.match(faultsOf("SELECT x$a$ ' $a$ {{name}} y$a$ ' $a$ z", 'postgres') ?? '', /inside quotes/)
  assert.match(faultsOf('DROP USER `{{name}}`', 'mysql') ?? '', /inside quotes/)
  assert.match(faultsOf('SELECT `a', 'mysql') ?? '', /does not end/)
  assert.match(faultsOf('SELECT 1 # {{name}}', 'mysql') ?? '', /comment/)
  assert.equal(faultsOf('SELECT 1 # 2', 'postgres'), undefined)
})

test('what makes an account names it and its password, and what ends it needs the name alone', () => {
  for (const dialect of dialects) {
    for (const texts of [['CREATE USER {{name}}'], ['SELECT {{password}}'], []])
      assert.ok(!createStatements(dialect).safeParse(texts).success)
    assert.ok(dropStatements(dialect).safeParse(['REVOKE a FROM {{name}}', 'SELECT 1']).success)
    for (const place of ['password', 'until', 'roles'])
      assert.ok(!dropStatements(dialect).safeParse([`SELECT {{${place}}}`]).success)
  }
})
