/**
 * Attacks and mistakes: what a claim may look like: hidden characters, `job_workflow_ref`, refs, types.
 * Titles begin with their number; each asks the loader or a decision, never a part of them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  fixturePolicy,
  grantPolicy,
  loadErrors,
  outcomes,
  token,
  verdict,
} from '../../packages/policy/test/fixture.ts'

type Claims = Record<string, unknown>

const startup = fixturePolicy('startup')
const company = fixturePolicy('company')
const onMain = grantPolicy('{ repo: acme/web, branch: main }')

const all = (count: number, word: string) => Array.from({ length: count }, () => word)

test('A21 letters that look alike, and characters that nobody sees, match nothing', () => {
  const policy = grantPolicy('{ repo: acme/web, branch: main, environment: kit }')
  assert.equal(verdict(policy, 'staging', { environment: 'KIT' }), 'grant')
  const lookalikes = ['\u212ait', 'k\u0130t', 'k\u0131t', 'k\u0456t', '\uff4bit', 'ki\u0301t']
  assert.deepEqual(
    outcomes(
      policy,
      'staging',
      lookalikes.map((environment) => ({ environment })),
    ),
    all(lookalikes.length, 'no_grant'),
  )
  const hidden = [
    '\u200b',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u202e',
    '\u2066',
    '\u00ad',
    '\u0000',
    '\n',
    '\u007f',
    '\u0085',
    '\u2028',
    '\ud800',
  ]
  for (const letter of hidden) {
    for (const claim of ['environment', 'ref', 'repository', 'actor_id', 'job_workflow_ref', 'sub']) {
      const value = `${token({ environment: 'kit', sub: 'x' })[claim]}${letter}`
      assert.equal(verdict(policy, 'staging', { environment: 'kit', [claim]: value }), 'intake', claim)
    }
  }
})

test('A23 a trusted workflow called by a foreign repository gets nothing', () => {
  const policy = grantPolicy(
    '{ workflow: { repo: acme/pipelines, file: .github/workflows/deploy.yml, ref: refs/heads/main } }',
  )
  const job_workflow_ref = 'acme/pipelines/.github/workflows/deploy.yml@refs/heads/main'
  const foreign = {
    repository: 'evil/x',
    repository_owner: 'evil',
    repository_owner_id: '666',
    repository_id: '1',
  }
  assert.equal(verdict(policy, 'staging', { job_workflow_ref }), 'grant')
  assert.equal(verdict(policy, 'staging', { job_workflow_ref, ...foreign }), 'no_grant')
})

test('A24 a missing job_workflow_ref equals nothing, and workflow_ref does not stand in for it', () => {
  const policy = grantPolicy('{ workflow: acme/web/.github/workflows/ci.yml@refs/heads/main }')
  const workflow_ref = 'acme/web/.github/workflows/ci.yml@refs/heads/main'
  for (const job_workflow_ref of [undefined, '']) {
    assert.equal(verdict(policy, 'staging', { job_workflow_ref, workflow_ref }), 'no_grant')
  }
  assert.deepEqual(loadErrors('{ workflow_ref: acme/web/.github/workflows/ci.yml@refs/heads/main }'), [
    'P002',
  ])
})

test('A25 job_workflow_ref is one exact form or the token is refused', () => {
  const policy = grantPolicy(
    '{ workflow: { repo: acme/web, file: .github/workflows/ci.yml, ref: refs/heads/main } }',
  )
  const sha = '0123456789abcdef0123456789abcdef01234567'
  const file = 'acme/web/.github/workflows/ci.yml'
  const rows: readonly (readonly [string, string])[] = [
    [`${file}@refs/heads/main`, 'grant'],
    [`ACME/Web/.github/workflows/ci.yml@refs/heads/main`, 'grant'],
    [`acme/web/.github/workflows/CI.yml@refs/heads/main`, 'no_grant'],
    [`acme/web/.github/workflows/ci.yaml@refs/heads/main`, 'no_grant'],
    [`acme/web/.github/workflows/other.yml@refs/heads/main`, 'no_grant'],
    [`acme/api/.github/workflows/ci.yml@refs/heads/main`, 'no_grant'],
    [`${file}@${sha}`, 'no_grant'],
    [`${file}@refs/tags/main`, 'no_grant'],
    [`${file}@refs/pull/7/merge`, 'no_grant'],
    [`${file}@refs/heads/main@refs/heads/main`, 'no_grant'],
    [`${file}@refs/heads/x@refs/heads/main`, 'no_grant'],
    [`${file}@refs/heads/.github/workflows/ci.yml@refs/heads/main`, 'no_grant'],
    [`${file}@refs/heads/x/acme/web/.github/workflows/ci.yml@refs/heads/main`, 'no_grant'],
    [`${file}@refs/heads/main/x`, 'no_grant'],
    [`acme/web/.github/workflows/a.yml@ci.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/ci.yml@b.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/ci.yml@${sha}.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/ci.yml@${sha}@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/../ci.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/sub/ci.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows//ci.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/.yml@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/ci.yml.exe@refs/heads/main`, 'intake'],
    [`acme/web/.github/workflows/ci@refs/heads/main`, 'intake'],
    [`acme/web/workflows/ci.yml@refs/heads/main`, 'intake'],
    [`x/acme/web/.github/workflows/ci.yml@refs/heads/main`, 'intake'],
    [`web/.github/workflows/ci.yml@refs/heads/main`, 'intake'],
    [`/acme/web/.github/workflows/ci.yml@refs/heads/main`, 'intake'],
    [`.github/workflows/ci.yml@refs/heads/main`, 'intake'],
    [`${file}@main`, 'intake'],
    [`${file}@heads/main`, 'intake'],
    [`${file}@refs/heads/`, 'intake'],
    [`${file}@refs/notes/x`, 'intake'],
    [`${file}@${sha.slice(1)}`, 'intake'],
    [`${file}@${sha}0`, 'intake'],
    [`${file}@${sha.toUpperCase()}`, 'intake'],
    [`${file}@`, 'intake'],
    [file, 'intake'],
    [` ${file}@refs/heads/main`, 'intake'],
    [`${file}@refs/heads/main `, 'intake'],
    [`https://github.com/${file}@refs/heads/main`, 'intake'],
  ]
  for (const [job_workflow_ref, expected] of rows) {
    assert.equal(verdict(policy, 'staging', { job_workflow_ref }), expected, job_workflow_ref)
  }
})

test('A26 an empty ref is a missing ref, which no condition on refs matches', () => {
  const deployment = {
    ref: '',
    event_name: 'deployment',
    job_workflow_ref: 'acme/web/.github/workflows/ci.yml@d06e49a10fcaf3c8f71f9428949e6fedb9f07b09',
  }
  for (const condition of [
    'branch: main',
    'branch: { like: "*" }',
    'ref: { any: true }',
    'tag: { like: "v*" }',
  ]) {
    const policy = grantPolicy(`{ repo: acme/web, event: [push, deployment], ${condition} }`, 'readable')
    assert.equal(verdict(policy, 'readable', deployment), 'no_grant', condition)
  }
  const absent = grantPolicy('{ repo: acme/web, event: deployment, ref: { absent: true } }', 'readable')
  assert.equal(verdict(absent, 'readable', deployment), 'grant')
})

test('A27 a branch named like a tag is a branch, a tag named like a branch is a tag', () => {
  const tags = grantPolicy('{ repo: acme/web, tag: { like: "v*" } }')
  assert.equal(verdict(tags, 'staging', { ref: 'refs/tags/v1', ref_type: 'tag' }), 'grant')
  assert.equal(verdict(tags, 'staging', { ref: 'refs/heads/refs/tags/v1' }), 'no_grant')
  assert.equal(verdict(tags, 'staging', { ref: 'refs/tags/v1', ref_type: 'branch' }), 'profile')
  assert.equal(verdict(onMain, 'staging', { ref: 'refs/tags/main', ref_type: 'tag' }), 'no_grant')
  assert.equal(verdict(onMain, 'staging', { ref: 'refs/heads/main', ref_type: 'tag' }), 'profile')
})

test('A28 a self-hosted runner can be kept out, and a policy that does not is warned', () => {
  const hosted = { environment: 'production', repo_property_env_tier: 'production' }
  const job_workflow_ref = 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v7'
  const claims = { ...hosted, job_workflow_ref }
  assert.equal(verdict(company, 'prod-eks', claims), 'grant')
  assert.equal(verdict(company, 'prod-eks', { ...claims, runner_environment: 'self-hosted' }), 'denied')
  assert.equal(verdict(company, 'prod-eks', { ...claims, runner_environment: 'other' }), 'profile')
})

test('A29 a property is compared whole: a list joined by commas contains nothing', () => {
  const policy = grantPolicy('{ repo_property_regions: us-east-1, branch: main }')
  const values = ['us-east-1-evil,eu', 'us-east-1,eu', 'eu,us-east-1', 'US-EAST-1', 'nonus-east-1']
  for (const repo_property_regions of values) {
    assert.equal(verdict(policy, 'staging', { repo_property_regions }), 'no_grant', repo_property_regions)
  }
  assert.equal(verdict(policy, 'staging', { repo_property_regions: 'us-east-1' }), 'grant')
})

test('A52 an own __proto__ brings no claims', () => {
  const claims: Claims = JSON.parse('{"__proto__":{"environment":"production","repository_id":"40211"}}')
  assert.equal(verdict(startup, 'prod-deploy', claims), 'no_grant')
  assert.equal(verdict(startup, 'prod-deploy', { ...claims, repository_id: undefined }), 'intake')
})

test('A56 values of the wrong type are refused, not converted', () => {
  const wrong: readonly unknown[] = [
    null,
    [],
    ['refs/heads/main'],
    {},
    { toString: 'main' },
    1.5,
    Number.NaN,
    2 ** 53,
    123n,
  ]
  for (const claim of [
    'ref',
    'repository',
    'repository_id',
    'environment',
    'event_name',
    'job_workflow_ref',
    'sub',
  ]) {
    for (const value of wrong) {
      assert.equal(verdict(onMain, 'staging', { [claim]: value }), 'intake', `${claim} ${typeof value}`)
    }
  }
})

test('A57 ids that no number can hold exactly are not rounded to one', () => {
  const policy = grantPolicy('{ repository_id: "9007199254740992", branch: main }')
  assert.equal(verdict(policy, 'staging', { repository_id: '9007199254740992' }), 'grant')
  assert.equal(verdict(policy, 'staging', { repository_id: '9007199254740993' }), 'no_grant')
  assert.equal(verdict(policy, 'staging', { repository_id: 9007199254740992 }), 'intake')
  assert.equal(verdict(onMain, 'staging', { repository_id: 40211.9 }), 'intake')
})

test('A58 the text "false" is not true', () => {
  const policy = grantPolicy('{ repo: acme/web, branch: main, ref_protected: true }')
  const values = ['false', false, 'True', 1, undefined]
  for (const ref_protected of values) assert.notEqual(verdict(policy, 'staging', { ref_protected }), 'grant')
  assert.equal(verdict(policy, 'staging', { ref_protected: true }), 'grant')
})
