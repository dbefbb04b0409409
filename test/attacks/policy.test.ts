/**
 * Attacks and mistakes: rules that a policy must not be able to say, and what its matchers never match.
 * Titles begin with their number; each asks the loader or a decision, never a part of them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadPolicy } from '@mayfly/policy/load'
import { grantPolicy, loadErrors, lock, smallPolicy, verdict } from '../../packages/policy/test/fixture.ts'

const onMain = grantPolicy('{ repo: acme/web, branch: main }')

test('A02 a grant that names no repository, owner, workflow or property does not load', () => {
  assert.deepEqual(loadErrors('{ branch: main }'), ['P009'])
  assert.deepEqual(loadErrors('{ environment: production }'), ['P009'])
  assert.deepEqual(loadErrors('{ owner: acme }', 'readable'), [])
})

test('A03 a wildcard never crosses a separator, and an owner is never a pattern', () => {
  for (const pattern of ['"*"', '"acme*"', '"acme*/web"', '"*/*"', '"**"', '"acme**"']) {
    assert.notDeepEqual(loadErrors(`{ repo: { like: ${pattern} }, branch: main }`), [], pattern)
  }
  const policy = grantPolicy('{ repo: { like: "acme/*" }, branch: main }')
  const evil = { repository: 'acme-evil/web', repository_owner: 'acme-evil' }
  assert.equal(verdict(policy, 'staging', { repository: 'acme/anything' }), 'grant')
  assert.equal(verdict(policy, 'staging', evil), 'no_grant')
  assert.equal(verdict(policy, 'staging', { ...evil, repository_owner_id: '1' }), 'no_grant')
})

test('A04 a repository alone is not enough to write', () => {
  assert.deepEqual(loadErrors('{ repo: acme/web }'), ['P010'])
  assert.deepEqual(loadErrors('{ repo: acme/web, ref: { any: true } }'), ['P010'])
  assert.deepEqual(loadErrors('{ repo: acme/web, branch: { like: "*" } }'), ['P010'])
  assert.deepEqual(loadErrors('{ repo: acme/web, event: push }'), ['P010'])
})

test('A13 ids are literal digits: no pattern reaches them', () => {
  for (const who of [
    '{ repo: { like: "acme@*/web@*" }, branch: main }',
    '{ repository_id: { like: "*" }, branch: main }',
    '{ owner: { like: "acme@*" }, branch: main }',
    '{ actor: { like: "*" }, repo: acme/web, branch: main }',
    '{ repo: "acme@*/web", branch: main }',
  ]) {
    assert.notDeepEqual(loadErrors(who), [], who)
  }
})

test('A22 an actor can only narrow', () => {
  assert.deepEqual(loadErrors('{ actor: dependabot, branch: main }'), ['P015'])
  assert.deepEqual(loadErrors('{ actor: dependabot, repo: acme/web, branch: main }'), [])
})

test('A78 a match is of the whole value, on one line', () => {
  const policy = grantPolicy('{ repository_id: ["123", "456"], branch: main }')
  assert.equal(verdict(policy, 'staging', { repository_id: '456' }), 'grant')
  assert.equal(verdict(policy, 'staging', { repository_id: '123999' }), 'no_grant')
  assert.equal(verdict(policy, 'staging', { repository_id: '0456' }), 'no_grant')
  assert.equal(verdict(onMain, 'staging', { ref: 'x\nrefs/heads/main' }), 'intake')
})

test('A79 there is no alternation that could escape an anchor', () => {
  const policy = grantPolicy('{ repo: { like: "acme/a-*" }, branch: main }')
  assert.equal(verdict(policy, 'staging', { repository: 'acme/a-b' }), 'grant')
  assert.deepEqual(loadErrors('{ repo: { like: "acme/a|acme/b" }, branch: main }'), ['P006'])
  const environments = grantPolicy('{ repo: acme/web, branch: main, environment: "a|b" }')
  assert.equal(verdict(environments, 'staging', { environment: 'a' }), 'no_grant')
  assert.equal(verdict(environments, 'staging', { environment: 'a|b' }), 'grant')
})

test('A80 a pattern and a value of any size take linear time', () => {
  assert.deepEqual(loadErrors('{ repo: acme/web, branch: { like: "*a*a*a*a*a" } }'), ['P005'])
  const policy = grantPolicy('{ repo: acme/web, branch: { like: "a*a/a*a/a*a" } }')
  const before = process.cpuUsage()
  assert.equal(verdict(policy, 'staging', { ref: `refs/heads/${'a'.repeat(50_000)}!` }), 'no_grant')
  assert.ok(process.cpuUsage(before).user < 1_000_000)
})

test('A81 a glob crosses neither / nor : nor @', () => {
  const policy = grantPolicy('{ repo: acme/web, branch: main, environment: { like: "team-*" } }')
  const values = ['team-a/b', 'team-a:b', 'team-a@b', 'x-team-a']
  for (const environment of values)
    assert.equal(verdict(policy, 'staging', { environment }), 'no_grant', environment)
  assert.equal(verdict(policy, 'staging', { environment: 'team-a' }), 'grant')
})

test('A82 a missing claim matches only where the policy says so', () => {
  const not = (orAbsent: boolean) =>
    grantPolicy(`{ repo: acme/web, branch: main, environment: { not: dev, or_absent: ${orAbsent} } }`)
  assert.equal(verdict(not(false), 'staging'), 'no_grant')
  assert.equal(verdict(not(true), 'staging'), 'grant')
  assert.equal(verdict(not(true), 'staging', { environment: 'dev' }), 'no_grant')
  assert.deepEqual(loadErrors('{ repo: acme/web, branch: main, environment: { not: dev } }'), ['P017'])
})

test('A83 a mistyped claim is an error of the policy', () => {
  for (const key of ['repositry_id', 'enviroment', 'job_workflow_ref', 'Environment', '__proto__']) {
    assert.deepEqual(loadErrors(`{ repo: acme/web, branch: main, ${key}: x }`), ['P002'], key)
  }
  assert.deepEqual(loadErrors('{ repo: acme/web, branch: main, repo_property_tem: x }'), ['P032'])
})

test('A84 the order of rules changes nothing', () => {
  const broad = '  - { name: broad, who: { owner: acme }, get: readable, for: 30m }'
  const narrow = '  - { name: narrow, who: { repo: acme/web, branch: main }, get: readable, for: 5m }'
  const deny = (names: readonly string[]) =>
    `deny: [${names.map((name) => `{ name: ${name}, who: { environment: ${name} } }`).join(', ')}]`
  const policies = [
    smallPolicy(`${broad}\n${narrow}`, deny(['a', 'b'])),
    smallPolicy(`${narrow}\n${broad}`, deny(['b', 'a'])),
  ].map((text) => loadPolicy([{ path: 'a', text }], lock))
  for (const claims of [
    {},
    { ref: 'refs/heads/x' },
    { environment: 'a' },
    { environment: 'b' },
    { environment: 'c' },
  ]) {
    const [first, second] = policies.map((loaded) => {
      assert.ok(loaded.ok)
      return verdict(loaded.policy, 'readable', claims)
    })
    assert.equal(first, second)
  }
})

test('A85 an empty or cut-off policy is an error, never "allow" and never "nothing to check"', () => {
  const whole = smallPolicy('  - { name: it, who: { repo: acme/web, branch: main }, get: staging, for: 10m }')
  assert.equal(loadPolicy([], lock).ok, false)
  const broken = [
    '',
    ' \n',
    '---\n',
    'null\n',
    '{}\n',
    '[]\n',
    'version: 1\n',
    '# only a comment\n',
    whole.slice(0, 60),
  ]
  for (const text of broken)
    assert.equal(loadPolicy([{ path: 'a', text }], lock).ok, false, JSON.stringify(text))
  const cut = whole.split('\n')
  for (let lines = 0; lines < cut.length; lines++) {
    const loaded = loadPolicy([{ path: 'a', text: cut.slice(0, lines).join('\n') }], lock)
    if (loaded.ok) assert.equal(verdict(loaded.policy, 'staging', { repository_id: '1' }), 'no_grant')
    else assert.ok(loaded.problems.length > 0)
  }
})

test('A86 a template takes only what a job cannot choose freely', () => {
  const target = (role: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets: { t: { tier: x, access: read, aws_role: "role/${role}" } }
grants: [{ name: it, who: { repo: acme/web }, get: t, for: 1m }]
`
  const ok = (role: string) => loadPolicy([{ path: 'a', text: target(role) }], lock).ok
  assert.ok(ok('{repo.id}') && ok('{environment}'))
  for (const role of ['{repo.name}', '{ref}', '{branch}', '{actor}', '{repo.id', '{}', '{{repo.id}}']) {
    assert.ok(!ok(role), role)
  }
})

test('A87 long and unusual values of real tokens are accepted', () => {
  const claims = {
    sub: `repo:acme/web:customised:${'x'.repeat(600)}`,
    environment: 'Prod EU (blue) [1] \u00fcber \u{1f680}',
    actor: 'dependabot[bot]',
    workflow: 'Deployment \u{1f680}',
    environment_node_id: 'EN_x',
    ref: `refs/heads/${'long/'.repeat(100)}x`,
    event_name: 'push',
  }
  const policy = grantPolicy('{ repo: acme/web, branch: { like: "long/**" } }')
  assert.equal(verdict(policy, 'staging', { ...claims, job_workflow_ref: undefined }), 'grant')
})
