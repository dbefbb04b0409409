/**
 * Attacks and mistakes: who a token is: events, owners, repositories, `sub`, environments.
 * Titles begin with their number; each asks the loader or a decision, never a part of them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadPolicy } from '@mayfly/policy/load'
import {
  fixturePolicy,
  grantPolicy,
  loadErrors,
  lock,
  outcomes,
  smallPolicy,
  verdict,
} from '../../packages/policy/test/fixture.ts'

const startup = fixturePolicy('startup')
const deploy = { environment: 'production' }
const onMain = grantPolicy('{ repo: acme/web, branch: main }')

const all = (count: number, word: string) => Array.from({ length: count }, () => word)

test('A05 the same workflow file on another branch is another identity', () => {
  const policy = grantPolicy('{ workflow: acme/web/.github/workflows/ci.yml@refs/heads/main }')
  const branch = 'acme/web/.github/workflows/ci.yml@refs/heads/evil-branch'
  assert.equal(verdict(policy, 'staging'), 'grant')
  assert.equal(
    verdict(policy, 'staging', { ref: 'refs/heads/evil-branch', job_workflow_ref: branch }),
    'no_grant',
  )
})

test('A06 pull requests get nothing unless a grant names the event', () => {
  const pull = { event_name: 'pull_request', ref: 'refs/pull/9/merge' }
  assert.equal(verdict(onMain, 'staging', pull), 'no_grant')
  assert.equal(verdict(onMain, 'staging', { event_name: 'pull_request' }), 'no_grant')
  const named = grantPolicy('{ repo: acme/web, event: pull_request }', 'readable')
  assert.equal(verdict(named, 'readable', pull), 'grant')
})

test('A07 pull_request_target carries the base branch and still gets nothing', () => {
  assert.equal(verdict(startup, 'prod-deploy', { ...deploy, event_name: 'pull_request_target' }), 'no_grant')
  assert.deepEqual(loadErrors('{ repo: acme/web, branch: main, event: pull_request_target }'), ['P011'])
})

test('A08 events are allowed one by one, so those of tomorrow are refused', () => {
  const events = [
    'workflow_run',
    'issue_comment',
    'issues',
    'discussion',
    'repository_dispatch',
    'fork',
    'watch',
    'check_run',
    'deployment',
    'merge_group',
    'event_of_tomorrow',
  ]
  const tokens = events.map((event_name) => ({ ...deploy, event_name }))
  assert.deepEqual(outcomes(startup, 'prod-deploy', tokens), all(events.length, 'no_grant'))
  assert.deepEqual(loadErrors('{ repo: acme/web, branch: main, event: { not: pull_request } }', 'readable'), [
    'P016',
  ])
})

test('A10 a re-registered owner or repository has the name but not the id', () => {
  assert.equal(verdict(onMain, 'staging', { repository_owner_id: '777' }), 'no_grant')
  assert.equal(verdict(onMain, 'staging', { repository_id: '777' }), 'no_grant')
  const byOwner = grantPolicy('{ repo: { like: "acme/*" }, branch: main }')
  assert.equal(verdict(byOwner, 'staging', { repository_owner_id: '777' }), 'no_grant')
})

test('A12 the hyphenated form of sub is a legacy name, not an id', () => {
  const sub = 'repo:acme-9919/web-40211:ref:refs/heads/main'
  assert.equal(verdict(onMain, 'staging', { sub }), 'intake')
  const squatter = {
    sub,
    repository: 'acme-9919/web-40211',
    repository_owner: 'acme-9919',
    repository_id: '5',
    repository_owner_id: '6',
  }
  assert.equal(verdict(onMain, 'staging', squatter), 'no_grant')
})

test('A14 both forms of sub pass a policy of ids, also after a rename', () => {
  const renamed = { repository: 'acme/shop' }
  const tokens = [
    { sub: 'repo:acme/web:ref:refs/heads/main' },
    { sub: 'repo:acme@9919/web@40211:ref:refs/heads/main' },
    { ...renamed, sub: 'repo:acme/shop:ref:refs/heads/main' },
    { ...renamed, sub: 'repo:acme@9919/shop@40211:ref:refs/heads/main' },
  ]
  assert.deepEqual(outcomes(onMain, 'staging', tokens), all(4, 'grant'))
})

test('A15 a sub in default form that contradicts the claims is refused', () => {
  const tokens = [
    { sub: 'repo:acme@9919/web@40999:ref:refs/heads/main' },
    { sub: 'repo:acme@1/web@40211:ref:refs/heads/main' },
    { sub: 'repo:acme/api:ref:refs/heads/main' },
    { sub: 'repo:acme/web:ref:refs/heads/next' },
    { sub: 'repo:acme/web:environment:production' },
    { sub: 'repo:acme/web:environment:production', environment: 'staging' },
    { sub: 'repo:acme/api:pull_request' },
  ]
  assert.deepEqual(outcomes(onMain, 'staging', tokens), all(tokens.length, 'intake'))
  const agreeing = [
    { sub: 'repo:Acme/WEB:ref:refs/heads/main' },
    { sub: 'repo:acme/web:environment:Production', environment: 'production' },
    { sub: 'repo:acme/web:pull_request' },
  ]
  assert.deepEqual(outcomes(onMain, 'staging', agreeing), all(3, 'grant'))
})

test('A16 a customised sub says nothing, for or against', () => {
  const subjects = [
    'actor:x:repo:victim/r',
    'repository_owner:evil',
    'repo:evil/web:actor:somebody',
    'job_workflow_ref:evil/x/.github/workflows/a.yml@refs/heads/main',
    'xrepo:evil/web:ref:refs/heads/main',
    'repo:evil/web:ref:refs/heads/main:extra:x',
  ]
  for (const sub of subjects) {
    assert.equal(verdict(onMain, 'staging', { sub }), 'grant', sub)
    assert.equal(verdict(onMain, 'staging', { sub, repository_id: '1' }), 'no_grant', sub)
  }
  assert.deepEqual(loadErrors('{ sub: "repo:acme/web:ref:refs/heads/main" }'), ['P014'])
})

test('A17 colons in an environment forge nothing', () => {
  for (const environment of [
    'x:ref:refs/heads/main',
    'x%3Aref%3Arefs/heads/main',
    'production:job_workflow_ref:acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
  ]) {
    const sub = `repo:acme/web:environment:${environment}`
    assert.equal(verdict(startup, 'prod-deploy', { environment, sub }), 'no_grant', environment)
    assert.equal(
      verdict(startup, 'prod-deploy', { environment, ref: 'refs/heads/evil' }),
      'no_grant',
      environment,
    )
  }
})

test('A18 claims are never decoded', () => {
  const policy = grantPolicy('{ repo: acme/web, environment: "a:b", branch: main }')
  assert.equal(verdict(policy, 'staging', { environment: 'a:b' }), 'grant')
  assert.equal(verdict(policy, 'staging', { environment: 'a%3Ab' }), 'no_grant')
  const escaped = grantPolicy('{ repo: acme/web, environment: "a%3Ab", branch: main }')
  assert.equal(verdict(escaped, 'staging', { environment: 'a:b' }), 'no_grant')
  const sub = 'repo:acme/web:environment:a%3Ab'
  assert.equal(verdict(policy, 'staging', { environment: 'a:b', sub }), 'grant')
  assert.equal(verdict(escaped, 'staging', { environment: 'a:b', sub }), 'no_grant')
})

test('A19 an environment that a branch made up opens nothing', () => {
  assert.equal(verdict(startup, 'prod-deploy', { ...deploy, ref: 'refs/heads/evil' }), 'no_grant')
  const text = smallPolicy(
    '  - { name: it, who: { repo: acme/web, environment: production }, get: prod, for: 10m }',
  )
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], lock)
  assert.ok(loaded.ok && loaded.warnings.some(({ code }) => code === 'P024'))
})

test('A20 environments and names ignore ASCII case, refs do not', () => {
  const policy = grantPolicy('{ repo: { like: "acme/some-*" }, environment: some-env, branch: main }')
  const claims = { repository: 'ACME/Some-Repo', repository_owner: 'Acme', environment: 'sOmE-eNv' }
  assert.equal(verdict(policy, 'staging', claims), 'grant')
  assert.equal(verdict(policy, 'staging', { ...claims, ref: 'refs/heads/Main' }), 'no_grant')
})

test('A30 the same claims from another issuer are another identity', () => {
  for (const issuer of ['forgejo', 'github-enterprise', 'gitlab', 'GITHUB', 'github ', '']) {
    assert.equal(verdict(onMain, 'staging', {}, issuer), 'intake', issuer)
  }
})
