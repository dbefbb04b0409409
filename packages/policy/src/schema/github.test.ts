import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixturePolicy, token, verdict } from '../../test/fixture.ts'
import { has } from '../lang.ts'
import { github } from './github.ts'

function intake(changes: Record<string, unknown>, properties: readonly string[] = []) {
  const taken = github.intake(token(changes), properties)
  return taken.ok ? Object.fromEntries(taken.token) : `${taken.claim} ${taken.reason}`
}

test('a token becomes text: folded where GitHub ignores case, split where GitHub joins', () => {
  assert.deepEqual(
    intake({ repository: 'Acme/Web', environment: 'Prod', ref_protected: true, actor_id: 7 }),
    {
      repository_id: '40211',
      repository_owner_id: '9919',
      actor_id: '7',
      repository: 'acme/web',
      ref: 'refs/heads/main',
      ref_type: 'branch',
      ref_protected: 'true',
      environment: 'prod',
      event_name: 'push',
      runner_environment: 'github-hosted',
      repository_visibility: 'private',
      'workflow.repo': 'acme/web',
      'workflow.file': '.github/workflows/ci.yml',
      'workflow.ref': 'refs/heads/main',
    },
  )
})

test('each mandatory claim is missed by name', () => {
  for (const claim of github.claims.values()) {
    if (claim.optional) continue
    assert.equal(intake({ [claim.name]: undefined }), `${claim.name} is missing`)
    assert.equal(intake({ [claim.name]: '' }), `${claim.name} is missing`)
  }
  assert.equal(intake({ repository_owner: undefined }), 'repository_owner is missing')
})

test('optional claims may be missing', () => {
  const missing = {
    ref: undefined,
    ref_type: undefined,
    ref_protected: undefined,
    job_workflow_ref: undefined,
  }
  const taken = intake(missing)
  assert.ok(typeof taken === 'object' && !('ref' in taken) && !('workflow.repo' in taken))
})

test('only declared properties are read', () => {
  const changes = { repo_property_team: 'Payments', repo_property_other: ['x'] }
  const taken = intake(changes, ['team'])
  assert.ok(typeof taken === 'object')
  assert.equal(taken['repo_property_team'], 'Payments')
  assert.ok(!('repo_property_other' in taken))
  assert.equal(intake(changes, ['other']), 'repo_property_other is not text')
})

test('values outside a domain are refused', () => {
  const rows: readonly Record<string, unknown>[] = [
    { repository_id: '-1' },
    { repository_id: '1e3' },
    { actor_id: 'octocat' },
    { repository: 'web', repository_owner: 'web' },
    { repository: 'acme/web/x' },
    { repository: 'acme/we b' },
    { ref: 'main' },
    { ref: 'refs/heads/' },
    { ref: 'refs/heads/a b' },
    { ref: 'refs/pull/x/merge' },
    { ref_type: 'Branch' },
    { ref_protected: 'yes' },
    { event_name: 'push now' },
  ]
  for (const row of rows) assert.equal(typeof intake(row), 'string', JSON.stringify(row))
})

test('a repository of an owner whose name only begins alike is refused', () => {
  assert.equal(intake({ repository: 'acme-evil/web' }), 'repository does not start with repository_owner')
})

test('real refs are in the domain', () => {
  const domain = github.claims.get('ref')?.domain
  assert.ok(domain)
  for (const ref of [
    'refs/heads/feature/JIRA-1_x.y+z',
    'refs/heads/user@host',
    'refs/heads/gh-readonly-queue/main/pr-1-abc',
    'refs/heads/\u00fcber',
    'refs/tags/v1.0.0-rc.1',
    'refs/pull/123/merge',
  ]) {
    assert.ok(has(domain, ref), ref)
  }
})

test('the profile: a push, a schedule, a dispatch or a release is never at a pull request', () => {
  const startup = fixturePolicy('startup')
  for (const event_name of github.parts.event?.standard ?? []) {
    assert.equal(
      verdict(startup, 'package-read', { event_name, ref: 'refs/pull/7/merge' }),
      'profile',
      event_name,
    )
  }
})

test('the profile: a tag is a tag by ref and by ref_type, or the token is refused', () => {
  const startup = fixturePolicy('startup')
  const rows: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ ref: 'refs/tags/v1', ref_type: 'tag' }, 'grant'],
    [{ ref: 'refs/tags/v1', ref_type: undefined }, 'profile'],
    [{ ref: 'refs/tags/v1', ref_type: 'branch' }, 'profile'],
    [{ ref: undefined, ref_type: 'tag' }, 'profile'],
    [{ ref: undefined, ref_type: 'branch' }, 'no_grant'],
  ]
  for (const [changes, expected] of rows) assert.equal(verdict(startup, 'release-bot', changes), expected)
})
