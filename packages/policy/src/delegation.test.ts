import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lock } from '../test/fixture.ts'
import { loadPolicy } from './load.ts'

const organisation = `version: 1
issuers:
  github: { owners: [acme] }
targets:
  orders: { tier: staging, token: { audience: "https://orders.example", scopes: { read: read, write: write } } }
  ledger: { tier: staging, access: write, secret: ledger }
who:
  ours: { repo: [acme/payments, acme/ledger] }
delegations:
  payments.policy.yaml: { who: { use: ours }, get: [{ scope: read }, ledger], for: 20m }
grants:
  - { name: web, who: { repo: acme/web, branch: main }, get: orders, for: 10m }
`

/** What a team's file with these rules is told, `ok` if nothing. */
function verdict(rules: string, more = '', name = 'payments.policy.yaml'): string {
  const loaded = loadPolicy(
    [
      { path: 'policies/main.policy.yaml', text: organisation + more },
      { path: `policies/${name}`, text: `version: 1\n${rules}` },
    ],
    lock,
  )
  if (loaded.ok) return 'ok'
  return loaded.problems
    .filter(({ severity }) => severity === 'error')
    .map(({ code, message, path, line }) => `${code} ${path}:${line} ${message}`)
    .join('\n')
}

const grant = (who: string, get = 'ledger', time = '10m') =>
  `grants:\n  - { name: team, who: ${who}, get: ${get}, for: ${time} }\n`

test('a team adds grants inside its scope without anybody else', () => {
  assert.equal(verdict(grant('{ repo: acme/payments, branch: main }')), 'ok')
  assert.equal(
    verdict(grant('{ repo: acme/ledger, branch: main }', '{ target: orders, scopes: [read] }')),
    'ok',
  )
  assert.equal(
    verdict(grant('{ use: mine }').concat('who: { mine: { repo: acme/ledger, tag: v1 } }\n')),
    'ok',
  )
})

test('a grant for others is refused with a token that it would serve', () => {
  const said = verdict(grant('{ repo: [acme/payments, acme/web], branch: main }'))
  assert.match(said, /^P040 policies\/payments.policy.yaml:3 grant `team` also means .*repository_id = 40211/)
  assert.doesNotMatch(said, /\n/)
  assert.match(verdict(grant('{ owner: acme, branch: main }')), /P040 .* also means/)
})

test('a target, a scope or a lifetime beyond the scope is refused', () => {
  const ours = '{ repo: acme/ledger, branch: main }'
  assert.match(verdict(grant(ours, 'orders')), /P040 .*gives `orders`/)
  assert.match(verdict(grant(ours, '{ target: orders, scopes: [read, write] }')), /P040 .*gives `orders`/)
  assert.match(
    verdict(grant(ours, 'ledger', '21m')),
    /P040 .*lives 1260 s; the scope of its file allows 1200 s/,
  )
})

test('a deny rule takes away: only from the team, and only its targets', () => {
  const deny = (text: string) => `deny:\n  - { name: no, ${text} }\n`
  assert.equal(verdict(deny('who: { repo: acme/ledger, event: push }, get: ledger')), 'ok')
  assert.match(verdict(deny('who: { repo: acme/web }, get: ledger')), /P040 .*deny rule `no` also means/)
  assert.match(verdict(deny('who: { repo: acme/ledger }')), /P040 .*speaks of every target/)
  assert.match(verdict(deny('who: { repo: acme/ledger }, get: orders')), /P040 .*speaks of `orders`/)
})

test("what is the organisation's does not belong into a team's file", () => {
  for (const rules of [
    'targets: { mine: { tier: x, access: read, secret: x } }\n',
    'issuers: { other: { kind: github, owners: [acme-agents] } }\n',
    'baseline: off\n',
    'guardrails: []\n',
    'delegations: {}\n',
  ]) {
    assert.match(
      verdict(rules),
      /P040 policies\/payments.policy.yaml:2 .* does not belong into a file with a scope/,
    )
  }
})

test("a name of a team's file serves that file only: nobody else's grant can be widened with it", () => {
  const team = 'who: { theirs: { repo: acme/ledger } }\nlists: { l: [acme/ledger] }\n'
  const rule = (who: string) => `  - { name: b, who: ${who}, get: ledger, for: 5m }\n`
  assert.match(
    verdict(team, rule('{ use: theirs, branch: main }')),
    /P040 policies\/main.policy.yaml:13 .*`theirs` is defined in/,
  )
  assert.match(verdict(team, rule('{ repo: $l, branch: main }')), /P040 .*`\$l` is defined in/)
})

test('a file that carries its own scope is held to it too', () => {
  const scope = 'scope: { who: { repo: acme/payments }, get: ledger }\n'
  const other = 'tools.policy.yaml'
  assert.equal(verdict(scope + grant('{ repo: acme/payments, branch: main }'), '', other), 'ok')
  assert.match(verdict(scope + grant('{ repo: acme/ledger, branch: main }'), '', other), /P040/)
  // Bound by the organisation and by itself: both hold.
  assert.match(verdict(scope + grant('{ repo: acme/ledger, branch: main }')), /P040/)
  const wide = 'scope: { who: { owner: acme }, get: { tier: staging } }\n'
  assert.match(verdict(wide + grant('{ repo: acme/web, branch: main }')), /P040/)
})

test('a binding that can never bind a file is an error, not a warning', () => {
  const team = {
    path: 'policies/payments.policy.yaml',
    text: `version: 1\n${grant('{ repo: acme/web, branch: main }')}`,
  }
  for (const key of [
    'policies/payments.policy.yaml',
    './payments.policy.yaml',
    'Payments.policy.yaml',
    'payments.policy.yml',
    'payments',
  ]) {
    const text = organisation.replace('payments.policy.yaml', key)
    const loaded = loadPolicy([{ path: 'policies/main.policy.yaml', text }, team], lock)
    assert.ok(!loaded.ok, key)
    assert.ok(
      loaded.problems.some(({ code, severity }) => code === 'P040' && severity === 'error'),
      key,
    )
  }
})
