import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf, smallPolicy } from '../test/fixture.ts'
import { diffPolicies, isEmptyDiff, noPolicy } from './diff.ts'
import type { Policy } from './policy.ts'

const targets = `version: 1
issuers:
  github: { owners: [acme], properties: [team] }
targets:
  prod: { tier: production, access: write, secret: prod, max: 30m }
  staging: { tier: staging, access: write, secret: staging }
  orders: { tier: shared, token: { audience: "https://orders.example", scopes: { read: read, write: write } } }
`
const policy = (grants: string, more = '', head = targets) => policyOf(`${head}grants:\n${grants}\n${more}`)
const grant = (who: string, get = 'staging', time = '10m', name = 'it') =>
  `  - { name: ${name}, who: ${who}, get: ${get}, for: ${time} }`
const web = '{ repo: acme/web, branch: main }'

/** `gained staging by grant `it`` and so on, without samples. */
function said(before: Policy, after: Policy): readonly string[] {
  const diff = diffPolicies(before, after)
  assert.equal(diff.complete, true)
  const access = (word: string, { target, scopes, cause }: (typeof diff.gained)[number]) =>
    `${word} ${[target, ...scopes].join(' ')}: ${cause}`
  return [
    ...diff.gained.map((change) => access('gained', change)),
    ...diff.lost.map((change) => access('lost', change)),
    ...diff.lifetimes.map(
      ({ target, scopes, before: was, after: is }) => `${[target, ...scopes].join(' ')}: ${was} s -> ${is} s`,
    ),
    ...diff.targets.map(
      ({ target, change, before: was, after: is }) => `${target} ${change}: ${was} -> ${is}`,
    ),
    ...diff.guardrails.map(({ guardrail, change }) => `${guardrail} ${change}`),
    ...(diff.productionGained ? ['PRODUCTION'] : []),
  ]
}

const read = '{ target: orders, scopes: [read] }'
const write = '{ target: orders, scopes: [write] }'
const safe = 'runner_environment: github-hosted'
const rows: readonly (readonly [string, Policy, Policy, readonly string[]])[] = [
  [
    'a branch more',
    policy(grant(web)),
    policy(grant('{ repo: acme/web, branch: [main, next] }')),
    ['gained staging: grant `it`'],
  ],
  [
    'a branch less',
    policy(grant('{ repo: acme/web, branch: [main, next] }')),
    policy(grant(web)),
    ['lost staging: grant `it`'],
  ],
  [
    'a wider pattern',
    policy(grant('{ repo: acme/web, branch: { like: "r/a-*" } }')),
    policy(grant('{ repo: acme/web, branch: { like: "r/*" } }')),
    ['gained staging: grant `it`'],
  ],
  [
    'another name, another order, a list in two grants',
    policy(grant('{ repo: [acme/web, acme/api], branch: main }')),
    policy(
      `${grant('{ branch: main, repo: acme/api }', 'staging', '10m', 'a')}\n${grant(web, 'staging', '10m', 'b')}`,
    ),
    [],
  ],
  ['conditions moved into `who`', policy(grant(web)), policy(grant('{ use: w }'), `who: { w: ${web} }`), []],
  [
    'a deny rule gone',
    policy(grant(web), `deny: [{ name: no, who: { environment: x } }]`),
    policy(grant(web)),
    ['gained staging: deny rule `no` is gone'],
  ],
  [
    'a deny rule with a condition more',
    policy(grant(web), `deny: [{ name: no, who: { environment: x } }]`),
    policy(grant(web), `deny: [{ name: no, who: { environment: x, event: release } }]`),
    ['gained staging: deny rule `no` keeps fewer out'],
  ],
  [
    'a deny rule more',
    policy(grant(web)),
    policy(grant(web), `deny: [{ name: no, who: { environment: x } }]`),
    ['lost staging: deny rule `no`'],
  ],
  [
    'a deny rule for what nobody gets',
    policy(grant(web)),
    policy(grant(web), `deny: [{ name: no, who: { event: issues } }]`),
    [],
  ],
  [
    'a grant inside another',
    policy(grant(web)),
    policy(
      `${grant(web)}\n${grant('{ repo: acme/web, branch: main, environment: x }', 'staging', '5m', 'more')}`,
    ),
    [],
  ],
  [
    'a scope more',
    policy(grant(web, '{ target: orders, scopes: [read] }')),
    policy(grant(web, 'orders')),
    ['gained orders write: grant `it`'],
  ],
  [
    'a scope less',
    policy(grant(web, 'orders')),
    policy(grant(web, '{ target: orders, scopes: [read] }')),
    ['lost orders write: grant `it`'],
  ],
  ['longer', policy(grant(web)), policy(grant(web, 'staging', '15m')), ['staging: 600 s -> 900 s']],
  ['shorter', policy(grant(web)), policy(grant(web, 'staging', '5m')), ['staging: 600 s -> 300 s']],
  [
    'longer in one grant, as long as before by another',
    policy(`${grant(web, 'staging', '20m', 'long')}\n${grant(web, 'staging', '5m')}`),
    policy(`${grant(web, 'staging', '20m', 'long')}\n${grant(web, 'staging', '15m')}`),
    [],
  ],
  [
    'one scope longer, where another lasted as long before',
    policy(`${grant(web, read, '20m', 'r')}\n${grant(web, write, '10m', 'w')}`),
    policy(`${grant(web, read, '20m', 'r')}\n${grant(web, write, '20m', 'w')}`),
    ['orders write: 600 s -> 1200 s'],
  ],
  [
    'two scopes longer by one grant, from different lifetimes',
    policy(`${grant(web, read, '5m', 'r')}\n${grant(web, write, '10m', 'w')}`),
    policy(grant(web, 'orders', '20m')),
    ['orders read write: 300 s -> 1200 s'],
  ],
  [
    'production that may last less long',
    policy(grant(`{ repo: acme/api, branch: main, ${safe} }`, 'prod')),
    policy(
      grant(`{ repo: acme/api, branch: main, ${safe} }`, 'prod'),
      '',
      targets.replace('max: 30m', 'max: 15m'),
    ),
    ['prod max: 1800 s -> 900 s'],
  ],
  [
    'another owner',
    policy(grant('{ owner: acme, branch: main }')),
    policy(
      grant('{ owner: [acme, acme-agents], branch: main }'),
      '',
      targets.replace('[acme]', '[acme, acme-agents]'),
    ),
    ['gained staging: grant `it`'],
  ],
  [
    'production',
    policy(grant(web)),
    policy(`${grant(web)}\n${grant(`{ repo: acme/api, branch: main, ${safe} }`, 'prod', '5m', 'p')}`),
    ['gained prod: grant `p`', 'PRODUCTION'],
  ],
  [
    'a target that means something else',
    policy(grant(`{ repo: acme/api, branch: main, ${safe} }`, 'prod')),
    policy(
      grant(`{ repo: acme/api, branch: main, ${safe} }`, 'prod'),
      '',
      targets.replace('secret: prod,', 'secret: other,'),
    ),
    ['prod settings: "prod" -> "other"', 'PRODUCTION'],
  ],
  [
    'a guardrail less',
    policy(grant(web), 'guardrails: [{ name: g, max: 1h, get: staging }]'),
    policy(grant(web)),
    ['g removed'],
  ],
  [
    'a guardrail with other words for the same',
    policy(grant(web), 'guardrails: [{ name: g, max: 1h, get: staging }]'),
    policy(grant(web), 'guardrails: [{ name: g, max: 60m, get: { target: staging } }]'),
    [],
  ],
]

for (const [title, before, after, expected] of rows) {
  test(`${title}: ${expected.join(', ') || 'no change in access'}`, () => {
    assert.deepEqual(said(before, after), expected)
    assert.equal(isEmptyDiff(diffPolicies(before, after)), expected.length === 0)
    assert.equal(isEmptyDiff(diffPolicies(after, after)), true)
  })
}

test('each change comes with a token, and both policies answer as it says', () => {
  const before = policy(grant(web))
  const after = policy(grant('{ repo: acme/web, branch: [main, next] }'))
  const [change] = diffPolicies(before, after).gained
  assert.deepEqual(change?.sample, {
    repository_id: '40211 (acme/web)',
    ref: 'refs/heads/next',
    event_name: 'push',
  })
  assert.deepEqual(change?.place, { path: 'a.policy.yaml', line: 9, column: 13 })
  assert.equal(change?.placeIn, 'after')
  assert.ok(change?.conditions.includes('ref one of refs/heads/main, refs/heads/next'))
})

test('a change is shown where the rule stands that makes it so, in the policy that has it', () => {
  const denied = policy(grant(web), 'deny:\n  - { name: no, who: { environment: x } }')
  const places = (before: Policy, after: Policy) => {
    const { gained, lost } = diffPolicies(before, after)
    return [...gained, ...lost].map(({ place, placeIn }) => `${placeIn} ${place.line}`)
  }
  assert.deepEqual(places(denied, policy(grant(web))), ['before 11'])
  assert.deepEqual(places(policy(grant(web)), denied), ['after 11'])
  assert.deepEqual(places(policy(`${grant(web)}\n${grant(web, 'orders', '5m', 'o')}`), policy(grant(web))), [
    'before 10',
  ])
})

test('where there was no policy, all that the new one gives is gained', () => {
  const { gained, productionGained, complete } = diffPolicies(
    noPolicy,
    policy(`${grant(web)}\n${grant(`{ repo: acme/api, branch: main, ${safe} }`, 'prod', '5m', 'p')}`),
  )
  assert.deepEqual(
    gained.map(({ target }) => target),
    ['staging', 'prod'],
  )
  assert.deepEqual([productionGained, complete], [true, true])
})

test('ten changed of ten thousand grants are found, and ten thousand, without comparing each with each', () => {
  const many = (changed: number) =>
    policyOf(
      smallPolicy(
        Array.from({ length: 10_000 }, (_, at) =>
          grant(
            `{ repository_id: ${1000 + at}, branch: ${at < changed ? 'next' : 'main'} }`,
            'staging',
            '10m',
            `g${at}`,
          ),
        ).join('\n'),
      ),
    )
  const [before, after] = [many(0), many(10)]
  const begun = performance.now()
  const { gained, lost, complete } = diffPolicies(before, after)
  assert.deepEqual([gained.length, lost.length, complete], [10, 10, true])
  const all = diffPolicies(before, many(10_000))
  assert.deepEqual([all.gained.length, all.lost.length, all.complete], [10_000, 10_000, true])
  // Bounded loosely: what is watched for is that it never compares each with each, which took two minutes.
  assert.ok(performance.now() - begun < 20_000)
})
