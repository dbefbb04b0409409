/** Diffs of random small policies, held against both policies' answers for every token of a small space. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf } from '../test/fixture.ts'
import { matches, type TokenClaims } from './box.ts'
import type { AccessChange } from './changes.ts'
import { admit, decideByRules } from './decide.ts'
import { diffPolicies, type PolicyDiff } from './diff.ts'
import type { Policy } from './policy.ts'

const head = `version: 1
issuers:
  github: { owners: [acme] }
targets:
  staging: { tier: staging, access: write, secret: staging, max: 20m }
  orders: { tier: shared, token: { audience: "https://orders.example", scopes: { read: read, write: write } } }
`
const whos = [
  '{ repo: acme/web, branch: main }',
  '{ repo: [acme/web, acme/api], branch: { like: "r/*" } }',
  '{ repo: acme/api, environment: x }',
  '{ repo: acme/web, environment: { not: x, or_absent: true }, branch: [main, next] }',
  '{ repo: acme/api, environment: { absent: true }, branch: next, event: release }',
  '[{ repo: acme/web, branch: next }, { repo: acme/api, branch: [main, next], environment: y }]',
  '{ owner: acme, branch: [main, next] }',
]
const denies = [
  [],
  ['{ name: d, who: { environment: y } }'],
  [
    '{ name: d, who: { branch: next, event: push } }',
    '{ name: e, who: { environment: x, branch: main }, get: orders }',
  ],
  ['{ name: d, who: { environment: [x, y], event: [push, release] }, get: staging }'],
]
const gets = [
  'staging',
  'orders',
  '{ target: orders, scopes: [read] }',
  '{ target: orders, scopes: [write] }',
]
const times = ['5m', '10m', '20m']
const asked = [
  { target: 'staging', scope: undefined },
  { target: 'orders', scope: 'read' },
  { target: 'orders', scope: 'write' },
] as const
type Asked = (typeof asked)[number]

const claims = {
  repository_id: ['40211', '40212'],
  ref: ['refs/heads/main', 'refs/heads/next', 'refs/heads/r/1', undefined],
  environment: ['x', 'y', 'z', undefined],
  event_name: ['push', 'release', 'schedule', 'issues'],
}

/** Every token of the small space: whatever the rules above tell apart, it tells apart. */
function everyToken(): readonly Record<string, string>[] {
  return claims.repository_id.flatMap((repository_id) =>
    claims.ref.flatMap((ref) =>
      claims.environment.flatMap((environment) =>
        claims.event_name.map((event_name) => ({
          ...{ repository: repository_id === '40211' ? 'acme/web' : 'acme/api', repository_id },
          ...{ repository_owner: 'acme', repository_owner_id: '9919', actor_id: '1', event_name },
          ...{ runner_environment: 'github-hosted', repository_visibility: 'private' },
          ...(ref === undefined ? {} : { ref, ref_type: 'branch' }),
          ...(environment === undefined ? {} : { environment }),
        })),
      ),
    ),
  )
}

let seed = 7
function pick<T>(among: readonly [T, ...T[]] | readonly T[]): T {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  const [first] = among
  const picked = among[Math.floor((seed / 2 ** 31) * among.length)] ?? first
  assert.ok(picked !== undefined)
  return picked
}

/** Names say what a grant is, so a policy and its neighbour share some of them. */
function randomPolicy(): Policy {
  const names = ['a', 'b', 'c', 'd'].slice(0, pick([1, 2, 3, 4]))
  const grants = names.map(
    (name) => `  - { name: ${name}, who: ${pick(whos)}, get: ${pick(gets)}, for: ${pick(times)} }\n`,
  )
  return policyOf(`${head}grants:\n${grants.join('')}deny: [${pick(denies).join(', ')}]\n`)
}

/** Is the token one of those of whom the change speaks: of its grant, or kept out by its deny rule? */
function speaksOf(change: AccessChange, before: Policy, after: Policy, token: TokenClaims): boolean {
  const policy = change.placeIn === 'before' ? before : after
  const name = /`([^`]+)`/.exec(change.cause)?.[1]
  const rules = change.cause.startsWith('grant') ? policy.grants : policy.denies
  const rule = rules.find((each) => each.name === name)
  assert.ok(rule, `${change.cause} is not in the policy ${change.placeIn}`)
  return rule.boxes.some((box) => matches(box, token))
}

interface Seen {
  readonly part: 'gained' | 'lost' | 'longer' | 'shorter'
  readonly of: Asked
  readonly token: TokenClaims
}

function whatChanges(before: Policy, after: Policy): readonly Seen[] {
  return everyToken().flatMap((given) => {
    const admitted = admit(before, { issuer: 'github', claims: given })
    assert.ok('token' in admitted)
    return asked.flatMap((of): Seen[] => {
      const request = { issuer: 'github', target: of.target, claims: given }
      const scopes = of.scope === undefined ? {} : { scopes: [of.scope] }
      const was = decideByRules(before, { ...request, ...scopes })
      const is = decideByRules(after, { ...request, ...scopes })
      const seconds = [was, is].map((each) => (each.allowed ? each.seconds : 0))
      const [old = 0, next = 0] = seconds
      if (old === next) return []
      const part = old === 0 ? 'gained' : next === 0 ? 'lost' : next > old ? 'longer' : 'shorter'
      return [{ part, of, token: admitted.token }]
    })
  })
}

function reported(diff: PolicyDiff, part: Seen['part']): readonly AccessChange[] {
  if (part === 'gained' || part === 'lost') return diff[part]
  return diff.lifetimes.filter(({ before, after }) => after > before === (part === 'longer'))
}

const isOf = (change: AccessChange, { target, scope }: Asked) =>
  change.target === target && (scope === undefined || change.scopes.includes(scope))

test('each token of a small space that gains, loses, or has it for another time lies in a reported change, and each reported change has such tokens', () => {
  const counted = { gained: 0, lost: 0, longer: 0, shorter: 0 }
  for (let round = 0; round < 400; round++) {
    const [before, after] = [randomPolicy(), randomPolicy()]
    const diff = diffPolicies(before, after)
    assert.equal(diff.complete, true)
    const seen = whatChanges(before, after)
    for (const { part, of, token } of seen) {
      counted[part]++
      const told = reported(diff, part).some(
        (change) => isOf(change, of) && speaksOf(change, before, after, token),
      )
      assert.ok(told, `${round}: ${part} ${of.target} ${of.scope}: ${JSON.stringify([...token])}`)
    }
    for (const part of ['gained', 'lost', 'longer', 'shorter'] as const) {
      for (const change of reported(diff, part)) {
        for (const of of asked.filter((each) => isOf(change, each))) {
          const real = seen.some(
            (each) => each.part === part && each.of === of && speaksOf(change, before, after, each.token),
          )
          assert.ok(real, `${round}: no token has ${part} ${of.target} ${of.scope} by ${change.cause}`)
        }
      }
    }
  }
  for (const [part, count] of Object.entries(counted)) assert.ok(count > 1000, `only ${count} ${part}`)
})
