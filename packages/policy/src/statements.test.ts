import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadPolicy } from './load.ts'
import {
  readStatementLine,
  type StatementFacts,
  type StatementRule,
  statementsOverlap,
  statementVerdict,
} from './statements.ts'

function rule(text: string): StatementRule {
  const line = readStatementLine(text)
  if (typeof line === 'string') throw new Error(line)
  return line
}

test('a line says what is done with what; anything else says how to write it', () => {
  const good = [
    'SELECT shop.orders',
    'SELECT|UPDATE shop.*',
    '* shop.orders',
    'SELECT *',
    'CALL shop.close_day',
  ]
  for (const text of [
    ...good,
    'LISTEN news',
    'LISTEN|NOTIFY *',
    'SELECT shop."Order Items"',
    'SELECT "a""b".c',
  ])
    assert.equal(typeof readStatementLine(text), 'object', text)
  const bad: Readonly<Record<string, RegExp>> = {
    'SELECT orders': /name the schema/,
    'select shop.orders': /none of/,
    'SELECT *.orders': /name the schema/,
    'SELECT a.b.c': /write what is done/,
    'SELECT Shop.orders': /write what is done/,
    'SELECT shop."*"': /write what is done/,
    'SELECT|CALL shop.orders': /listed apart/,
    'CALL *': /name the schema/,
    'CALL pg_catalog.*': /name the function/,
    'LISTEN shop.news': /no schema/,
    'DROP shop.orders': /none of/,
    shop: /write what is done/,
  }
  for (const [text, wanted] of Object.entries(bad))
    assert.match(String(readStatementLine(text)), wanted, text)
  assert.equal(rule('SELECT shop."Order Items"').name, 'Order Items')
})

const verbs = fc.uniqueArray(fc.constantFrom('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LOCK'), {
  minLength: 1,
})
const lines = fc
  .tuple(
    verbs,
    fc.constantFrom('shop', 'pg_catalog', 'other'),
    fc.constantFrom('a', 'b', '*', 'pg_class'),
    fc.boolean(),
  )
  .map(([said, schema, name, all]) => rule(`${said.join('|')} ${all ? '*' : `${schema}.${name}`}`))

test('two rules that list one statement are known to overlap', () => {
  const uses = fc.record({
    verb: fc.constantFrom('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LOCK'),
    schema: fc.constantFrom('shop', 'pg_catalog', 'other'),
    name: fc.constantFrom('a', 'b', 'pg_class', 'pg_authid'),
  })
  fc.assert(
    fc.property(lines, lines, uses, (one, other, use) => {
      const facts: StatementFacts = {
        relations: [{ ...use, columns: new Set(), shown: new Map(), hidden: new Set(), everyRow: false }],
        ...{ calls: [], channels: [], wantsToWrite: false },
      }
      const lists = (each: StatementRule) => statementVerdict([each], facts, undefined).is === 'yes'
      if (lists(one) && lists(other)) assert.ok(statementsOverlap(one, other))
    }),
    { numRuns: 2_000 },
  )
})

const policy = (guardrail: string) =>
  loadPolicy(
    [
      {
        path: 'a.policy.yaml',
        text: `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-db:
    tier: staging
    postgres_role:
      server: main
      role: app
      audience: "postgres://orders"
      scopes:
        look: { access: read, statements: [SELECT shop.*] }
        change: { access: write, statements: ["UPDATE shop.orders", "DELETE shop.old_orders"] }
  other-db: { tier: staging, access: write, postgres_role: { server: main, role: app, audience: "postgres://other" } }
grants:
  - { name: agent, who: { repo: acme/agent, branch: main, environment: staging }, get: { target: orders-db, scopes: [look] }, for: 5m }
  - { name: ops, who: { repo: acme/ops, branch: main, environment: staging }, get: [{ target: orders-db, scopes: [change] }, other-db], for: 5m }
guardrails:
  - { name: g, ${guardrail} }
`,
      },
    ],
    { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/agent: 1, acme/ops: 2 }\n' },
  )

test('a guardrail over statements is proved over every scope that lists one of them, and every target that says nothing', () => {
  const holds = (guardrail: string) => {
    const loaded = policy(guardrail)
    return loaded.ok ? 'holds' : loaded.problems.map(({ code, message }) => `${code} ${message}`).join('; ')
  }
  const never = (statement: string, repo = 'acme/agent') =>
    holds(`never: { repo: ${repo} }, get: { statement: ${statement} }`)
  assert.equal(never('["INSERT|UPDATE|DELETE *"]'), 'holds')
  assert.match(never('SELECT shop.customers'), /P028/)
  assert.match(never('UPDATE shop.orders', 'acme/ops'), /P028/)
  // The scope `change` does not, the other database does not say.
  assert.match(never('TRUNCATE shop.orders', 'acme/ops'), /P028.*other-db/)
  assert.match(never('DROP shop.orders'), /P043/)
})
