import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixturePolicy, grantPolicy, policyOf, token } from '../test/fixture.ts'
import { explain, type Reader } from './explain.ts'
import type { Policy } from './policy.ts'

const startup = fixturePolicy('startup')
const production = { environment: 'production' }
const stranger = {
  repository: 'evil/web',
  repository_id: '666',
  repository_owner: 'evil',
  repository_owner_id: '66',
  job_workflow_ref: undefined,
}

function ask(policy: Policy, target: string, changes: Record<string, unknown>, reader: Reader = 'caller') {
  return explain(policy, { issuer: 'github', claims: token(changes), target }, reader)
}

/** The only failing condition of the only grant. */
function single(policy: Policy, target: string, changes: Record<string, unknown>, reader: Reader = 'caller') {
  const { grants } = ask(policy, target, changes, reader)
  assert.equal(grants.length, 1)
  assert.equal(grants[0]?.failing.length, 1)
  return grants[0]?.failing[0]
}

test('a missing environment: what was got, what is needed, what to write', () => {
  assert.deepEqual(single(startup, 'prod-deploy', {}), {
    claim: 'environment',
    got: null,
    needed: 'production',
    hint: 'add `environment: production` to the job',
  })
})

test('the summary is the nearest grant, in one sentence', () => {
  const { summary } = ask(startup, 'prod-deploy', { ...production, event_name: 'pull_request' })
  assert.equal(
    summary,
    'web-production: event_name is pull_request, needs one of push, schedule, workflow_dispatch, release (default)',
  )
})

test('a pull request is told to push', () => {
  const { grants } = ask(startup, 'prod-deploy', {
    ...production,
    ref: 'refs/pull/7/merge',
    event_name: 'pull_request',
  })
  const ref = grants[0]?.failing.find(({ claim }) => claim === 'ref')
  assert.equal(ref?.hint, 'runs on pull_request; push to the branch instead')
})

test('a difference in case or a typo is named', () => {
  const hint = (changes: Record<string, unknown>) => single(startup, 'prod-deploy', changes)?.hint
  assert.equal(hint({ ...production, ref: 'refs/heads/Main' }), 'did you mean `refs/heads/main`?')
  assert.equal(hint({ environment: 'prodution' }), 'did you mean `production`?')
})

test('what is wrong and no typo is told in the words of the workflow file', () => {
  const hint = (changes: Record<string, unknown>) => single(startup, 'prod-deploy', changes)?.hint
  assert.equal(hint({ environment: 'staging' }), 'write `environment: production` in the job')
  assert.equal(hint({ ...production, ref: 'refs/heads/feature' }), 'run it on `branch main`')
  assert.equal(hint({ ...production, ref: 'refs/tags/v1', ref_type: 'tag' }), 'run it on `branch main`')
  const { grants } = ask(startup, 'prod-deploy', { ...production, event_name: 'workflow_run' })
  assert.match(grants[0]?.failing[0]?.hint ?? '', /^start the workflow by `push` or `schedule` or/)
})

test('an administrator sees that a repository was re-created; its new owner does not', () => {
  const changes = { ...production, repository_id: '99999' }
  const failing = single(startup, 'prod-deploy', changes, 'administrator')
  assert.equal(failing?.claim, 'repository_id')
  assert.equal(failing?.needed, 'one of acme/web (40211), acme/api (40212)')
  assert.match(failing?.hint ?? '', /re-created/)
  assert.deepEqual(ask(startup, 'prod-deploy', changes).grants, [])
})

test('a stranger cannot tell a target that exists from one that does not', () => {
  const asked = ['prod-deploy', 'prod-deplo', 'nothing-here'].map((target) => ask(startup, target, stranger))
  for (const { grants } of asked) assert.deepEqual(grants, [])
  const said = asked.map(({ summary }) => summary.replace(/`[^`]*`/, ''))
  assert.deepEqual(new Set(said), new Set(['no grant gives  to evil/web']))
})

test('a stranger learns no name of a deny rule', () => {
  const agents = fixturePolicy('agents')
  const { summary } = ask(agents, 'prod-deploy', { ...stranger, ...production, actor_id: '198982749' })
  assert.equal(summary, 'no grant gives `prod-deploy` to evil/web')
  const own = ask(agents, 'prod-deploy', { ...production, actor_id: '198982749' })
  assert.match(own.summary, /agents never touch production/)
})

test('a caller sees only grants of its own repository, owner and workflow', () => {
  const company = fixturePolicy('company')
  const { grants } = ask(company, 'prod-eks', production)
  assert.deepEqual(grants, [])
  const all = ask(company, 'prod-eks', production, 'administrator')
  assert.deepEqual(
    all.grants.map(({ grant }) => grant),
    ['services-production'],
  )
})

test('an unknown target: the nearest names that the caller could get at all', () => {
  assert.match(ask(startup, 'prod-deplo', production).summary, /did you mean prod-deploy\?/)
  assert.match(ask(startup, 'prod-deplo', stranger, 'administrator').summary, /did you mean prod-deploy\?/)
})

test('nearest first: another branch is nearer than another repository; at most three for a caller', () => {
  const grants = ['one', 'two', 'three', 'four'].map(
    (name) => `  - { name: ${name}, who: { repo: acme/web, branch: ${name} }, get: t, for: 1m }`,
  )
  const policy = policyOf(`version: 1
issuers: { github: { owners: [acme] } }
targets: { t: { tier: x, access: read, secret: t } }
grants:
  - { name: api, who: { repo: acme/api }, get: t, for: 1m }
  - { name: two-away, who: { repo: acme/web, branch: x, environment: y }, get: t, for: 1m }
${grants.join('\n')}
`)
  const names = (reader: Reader) => ask(policy, 't', {}, reader).grants.map(({ grant }) => grant)
  assert.deepEqual(names('caller'), ['four', 'one', 'three'])
  assert.deepEqual(names('administrator'), ['four', 'one', 'three', 'two', 'two-away', 'api'])
})

test('a token that is refused at intake, or breaks the profile, is told by its claim', () => {
  assert.equal(ask(startup, 'prod-deploy', { environment: ['x'] }).summary, 'environment is not text')
  assert.match(ask(startup, 'prod-deploy', { ref_type: 'tag' }).summary, /ref_type/)
})

test('a request that is granted is explained too', () => {
  assert.equal(
    ask(startup, 'prod-deploy', production).summary,
    '`prod-deploy` is granted by web-production for 900s',
  )
})

test('a refused scope says which are granted', () => {
  const policy = policyOf(`version: 1
issuers: { github: { owners: [acme] } }
targets: { t: { tier: x, token: { audience: a, scopes: { r: read, w: write } } } }
grants: [{ name: it, who: { repo: acme/web }, get: { target: t, scopes: [r] }, for: 1m }]
`)
  const { summary } = explain(
    policy,
    { issuer: 'github', claims: token(), target: 't', scopes: ['w'] },
    'caller',
  )
  assert.equal(summary, 'scope `w` is not granted; granted: r')
})

test('what is needed reads as it was written', () => {
  const needed = (condition: string, changes: Record<string, unknown> = {}) =>
    single(grantPolicy(`{ repo: acme/web, ${condition} }`, 'readable'), 'readable', changes)?.needed
  assert.equal(needed('branch: { like: "release/*" }'), 'like refs/heads/release/*')
  assert.equal(needed('branch: [a, b]'), 'one of refs/heads/a, refs/heads/b')
  assert.equal(needed('environment: { any: true }'), 'any value')
  assert.equal(needed('environment: { absent: true }', production), 'no value')
  assert.equal(
    needed('environment: { not: production, or_absent: true }', production),
    'not production or missing',
  )
  assert.equal(needed('actor: { not: octocat }'), 'not octocat (583231)')
})

test('a grant that only a declared property limits is nothing for another team to hear of', () => {
  const policy = grantPolicy('{ repo_property_team: falcon, branch: main, environment: closing }', 'staging')
  const { summary, grants } = ask(policy, 'staging', { repo_property_team: 'interns' })
  assert.deepEqual([summary, grants], ['no grant gives `staging` to acme/web', []])
  assert.equal(ask(policy, 'staging', { repo_property_team: 'falcon' }).grants.length, 1)
})
