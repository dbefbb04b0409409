import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf, smallPolicy } from '../test/fixture.ts'
import { decideByRules } from './decide.ts'
import { diffPolicies, isEmptyDiff } from './diff.ts'
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
    ...diff.lifetimes.map(({ target, before: was, after: is }) => `${target}: ${was} s -> ${is} s`),
    ...diff.targets.map(
      ({ target, change, before: was, after: is }) => `${target} ${change}: ${was} -> ${is}`,
    ),
    ...diff.guardrails.map(({ guardrail, change }) => `${guardrail} ${change}`),
    ...(diff.productionGained ? ['PRODUCTION'] : []),
  ]
}

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
  assert.ok(change?.conditions.includes('ref one of refs/heads/main, refs/heads/next'))
})

test('ten changed of ten thousand grants are found in well under a second', () => {
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
  // Bounded loosely: what is watched for is that it never compares each with each (50 million pairs).
  assert.ok(performance.now() - begun < 20_000)
  assert.deepEqual([gained.length, lost.length, complete], [10, 10, true])
})

const claims = {
  repository_id: ['40211', '40212'],
  ref: ['refs/heads/main', 'refs/heads/next', 'refs/heads/r/1', undefined],
  environment: ['x', 'y', undefined],
  event_name: ['push', 'release'],
}

/** Every token of a small space. */
function* tokens(): Generator<Record<string, string>> {
  for (const repository_id of claims.repository_id)
    for (const ref of claims.ref)
      for (const environment of claims.environment)
        for (const event_name of claims.event_name)
          yield {
            ...{ repository: repository_id === '40211' ? 'acme/web' : 'acme/api', repository_id },
            ...{ repository_owner: 'acme', repository_owner_id: '9919', actor_id: '1', event_name },
            ...{ runner_environment: 'github-hosted', repository_visibility: 'private' },
            ...(ref === undefined ? {} : { ref, ref_type: 'branch' }),
            ...(environment === undefined ? {} : { environment }),
          }
}

test('whatever a small space of tokens gains or loses is reported, and nothing else', () => {
  const whos = [
    '{ repo: acme/web, branch: main }',
    '{ repo: [acme/web, acme/api], branch: { like: "r/*" } }',
    '{ repo: acme/api, environment: x }',
    '{ repo: acme/web, environment: { not: x, or_absent: true }, branch: [main, next] }',
    '{ repo: acme/api, environment: { absent: true }, branch: next, event: release }',
  ]
  const denies = [
    '',
    'deny: [{ name: d, who: { environment: y } }]',
    'deny: [{ name: d, who: { branch: next, event: push } }]',
  ]
  let seed = 7
  const pick = (most: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * most)
  }
  const random = () => {
    const grants = Array.from({ length: 1 + pick(3) }, (_, at) =>
      grant(
        whos[pick(whos.length)] ?? web,
        ['staging', 'orders', '{ target: orders, scopes: [read] }'][pick(3)],
        '10m',
        `g${at}`,
      ),
    )
    return policy(grants.join('\n'), denies[pick(denies.length)])
  }
  let changed = 0
  for (let round = 0; round < 150; round++) {
    const [before, after] = [random(), random()]
    const diff = diffPolicies(before, after)
    assert.equal(diff.complete, true)
    for (const [target, scope] of [
      ['staging', undefined],
      ['orders', 'read'],
      ['orders', 'write'],
    ] as const) {
      const asked = scope === undefined ? {} : { scopes: [scope] }
      const seen = { gained: false, lost: false }
      for (const token of tokens()) {
        const [was, is] = [before, after].map(
          (each) => decideByRules(each, { issuer: 'github', target, claims: token, ...asked }).allowed,
        )
        if (is && !was) seen.gained = true
        if (was && !is) seen.lost = true
      }
      for (const word of ['gained', 'lost'] as const) {
        const reported = diff[word].some(
          (change) => change.target === target && (scope === undefined || change.scopes.includes(scope)),
        )
        if (seen[word]) changed++
        assert.ok(reported || !seen[word], `${word} ${target} ${scope} is not reported`)
      }
    }
    // Every reported change is one of a real token: `report` asks both policies and is not complete otherwise.
  }
  assert.ok(changed > 100, `only ${changed} changes were compared`)
})
