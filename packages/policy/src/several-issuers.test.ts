import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lock, policyOf, token } from '../test/fixture.ts'
import { type PlatformName, platformPolicy, platforms } from '../test/platforms.ts'
import { decide, decideByRules } from './decide.ts'
import { explain } from './explain.ts'
import { loadPolicy } from './load.ts'

const names = Object.keys(platforms) as PlatformName[]

function load(text: string) {
  return loadPolicy([{ path: 'a.policy.yaml', text }], lock)
}

function codes(text: string): readonly string[] {
  const loaded = load(text)
  const problems = loaded.ok ? [] : loaded.problems
  return problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)
}

for (const name of names) {
  const { issuer, grants, claims } = platforms[name]

  test(`${name}: a guardrail that does not hold is shown with a token that really gets it`, () => {
    const guardrail = 'guardrails: [{ name: g, never: { WHO }, get: deploy }]\n'.replace(
      'WHO',
      /who: \{ (.*?) \}, get: deploy/.exec(grants)?.[1] ?? '',
    )
    const text = platformPolicy(issuer, grants, guardrail)
    assert.deepEqual(codes(text), ['P028'])
    const proof = load(text).proofs.find(({ guardrail: { name } }) => name === 'g')
    assert.ok(proof?.outcome === 'refuted', proof?.outcome ?? 'no proof')
    const policy = policyOf(platformPolicy(issuer, grants))
    const asked = { issuer: 'ci', claims: proof.counterexample.claims, target: 'deploy' }
    assert.equal(decideByRules(policy, asked).allowed, true)
  })

  test(`${name}: what holds is proved`, () => {
    const guardrail =
      'guardrails: [{ name: g, apart: [deploy, staging] }, { name: m, max: 10m, get: deploy }]\n'
    const apart = name === 'gitlab' || name === 'buildkite' || name === 'circleci'
    const found = load(platformPolicy(issuer, grants, guardrail)).proofs.filter(
      ({ guardrail: g }) => !g.baseline,
    )
    const outcomes = found.map(({ outcome }) => outcome)
    if (apart) assert.deepEqual(outcomes, ['proved', 'proved'])
    else assert.equal(outcomes.at(-1), 'proved')
  })

  test(`${name}: tests of a policy write its tokens in the policy's own words`, () => {
    const who = /who: (\{.*?\}), get: deploy/.exec(grants)?.[1] ?? ''
    const tests = `tests:
  - { name: granted, token: ${who}, asks: deploy, expect: grant }
  - { name: as it comes, token: {}, asks: deploy, expect: deny }\n`
    const empty = name === 'oidc' ? tests.replace('token: {}', 'token: { sub: other }') : tests
    assert.deepEqual(codes(platformPolicy(issuer, grants, empty)), [])
  })

  test(`${name}: a stranger's refusal tells nothing of grants for others`, () => {
    const policy = policyOf(platformPolicy(issuer, grants))
    const stranger = policy.issuers.get('ci')?.schema.typical(new Map([['sub', 'stranger']]), new Map())
    const given = stranger && policy.issuers.get('ci')?.schema.present(stranger)
    const { summary, grants: told } = explain(
      policy,
      { issuer: 'ci', claims: { ...given }, target: 'deploy' },
      'caller',
    )
    assert.deepEqual(told, [], summary)
  })

  test(`${name}: a token of this issuer is judged by no other's rules`, () => {
    const both = `${issuer}\n  github: { owners: [acme] }`
    const named = grants.replaceAll('name: ', 'issuer: ci, name: ')
    const more = `
  - { name: hub, issuer: github, who: { repo: acme/web, branch: main }, get: staging, for: 5m }`
    const policy = policyOf(platformPolicy(both, named + more))
    const asks = (from: string, given: Readonly<Record<string, unknown>>, target: string) =>
      decide(policy, { issuer: from, claims: given, target }).allowed
    assert.equal(asks('ci', claims, 'deploy'), true)
    assert.equal(asks('github', claims, 'deploy'), false)
    assert.equal(asks('github', token(), 'staging'), true)
    assert.equal(asks('ci', token(), 'staging'), false)
    assert.equal(asks('other', claims, 'deploy'), false)
    assert.ok(codes(platformPolicy(both, grants + more)).includes('P022'))
  })
}

const twoPlatforms = (more: string, event = 'push') =>
  platformPolicy(
    'github: { owners: [acme] }\n  ci: { kind: gitlab, owners: [12] }',
    `
  - { name: hub, issuer: github, who: { repo: acme/web, branch: main }, get: staging, for: 5m }
  - { name: lab, issuer: ci, who: { project: 77, branch: main, event: ${event} }, get: staging, for: 5m }`,
    more,
  )

test('only with conditions for one platform keeps the other out', () => {
  const only = (who: string) => twoPlatforms(`guardrails: [{ name: g, only: ${who}, get: staging }]\n`)
  assert.deepEqual(codes(only('[{ issuer: github, branch: main }, { issuer: ci, branch: main }]')), [])
  assert.deepEqual(codes(only('{ issuer: github, branch: main }')), ['P028'])
  assert.deepEqual(codes(only('{ branch: main }')), ['P022'])
})

test('the baseline speaks of merge requests as it does of pull requests', () => {
  const production = (event: string) =>
    twoPlatforms('', event).replace('staging: { tier: shared', 'staging: { tier: production')
  assert.deepEqual(codes(production('[push, schedule]')), [])
  assert.deepEqual(codes(production('[push, merge_request_event]')), ['P012'])
})

test('the same kind twice: each has its own owners', () => {
  const policy = policyOf(
    platformPolicy(
      'com: { kind: gitlab, owners: [12] }\n  own: { kind: gitlab, owners: [3] }',
      `
  - { name: a, issuer: com, who: { project: 77, branch: main }, get: staging, for: 5m }
  - { name: b, issuer: own, who: { project: 77, branch: main }, get: staging, for: 5m }`,
    ),
  )
  const { claims } = platforms.gitlab
  const asks = (issuer: string, namespace: string) =>
    decide(policy, { issuer, claims: { ...claims, namespace_id: namespace }, target: 'staging' }).allowed
  assert.deepEqual(
    [asks('com', '12'), asks('own', '12'), asks('com', '3'), asks('own', '3')],
    [true, false, false, true],
  )
})
