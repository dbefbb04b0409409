import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixturePolicy, policyOf, token, verdict } from '../test/fixture.ts'
import { decide, givesAny } from './decide.ts'

const policies = {
  S: fixturePolicy('startup'),
  C: fixturePolicy('company'),
  A: fixturePolicy('agents'),
}

type Changes = Record<string, unknown>
type Row = readonly [string, keyof typeof policies, string, Changes, string]

const production = { environment: 'production' }
const pipe = {
  ...production,
  job_workflow_ref: 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v7',
  repo_property_env_tier: 'production',
}
const pipeAt = (ref: string) => ({ ...pipe, job_workflow_ref: `acme/pipelines/.github/workflows/${ref}` })
const agent = { actor_id: '198982749', event_name: 'pull_request' }

/** The 44 cases of the design of the language, section 12. */
const rows: readonly Row[] = [
  ['1 everything as asked', 'S', 'prod-deploy', production, 'grant'],
  ['2 the claim is missing', 'S', 'prod-deploy', {}, 'no_grant'],
  ['3 an empty claim is a missing claim', 'S', 'prod-deploy', { environment: '' }, 'no_grant'],
  ["4 GitHub's environments ignore case", 'S', 'prod-deploy', { environment: 'Production' }, 'grant'],
  ['5 no prefix of an environment', 'S', 'prod-deploy', { environment: 'production-eu' }, 'no_grant'],
  ['6 staging on main', 'S', 'prod-deploy', { environment: 'staging' }, 'no_grant'],
  ['7 branches respect case', 'S', 'prod-deploy', { ...production, ref: 'refs/heads/Main' }, 'no_grant'],
  ['8 no prefix of a branch', 'S', 'prod-deploy', { ...production, ref: 'refs/heads/main-x' }, 'no_grant'],
  [
    '9 no suffix of a branch',
    'S',
    'prod-deploy',
    { ...production, ref: 'refs/heads/x/refs/heads/main' },
    'no_grant',
  ],
  [
    '10 a tag named main',
    'S',
    'prod-deploy',
    { ...production, ref: 'refs/tags/main', ref_type: 'tag' },
    'no_grant',
  ],
  [
    '11 pull_request_target has ref main',
    'S',
    'prod-deploy',
    { ...production, event_name: 'pull_request_target' },
    'no_grant',
  ],
  [
    '12 so has a merged pull_request',
    'S',
    'prod-deploy',
    { ...production, event_name: 'pull_request' },
    'no_grant',
  ],
  [
    '13 workflow_run is no default event',
    'S',
    'prod-deploy',
    { ...production, event_name: 'workflow_run' },
    'no_grant',
  ],
  [
    '14 workflow_dispatch is one',
    'S',
    'prod-deploy',
    { ...production, event_name: 'workflow_dispatch' },
    'grant',
  ],
  [
    '15 events of the future are none',
    'S',
    'prod-deploy',
    { ...production, event_name: 'some_new_event' },
    'no_grant',
  ],
  ['16 renamed, the same id', 'S', 'prod-deploy', { ...production, repository: 'acme/website' }, 'grant'],
  ['17 a re-created name', 'S', 'prod-deploy', { ...production, repository_id: '99999' }, 'no_grant'],
  [
    '18 transferred away',
    'S',
    'prod-deploy',
    { ...production, repository: 'evil/web', repository_owner: 'evil', repository_owner_id: '666' },
    'no_grant',
  ],
  ['19 names that disagree', 'S', 'prod-deploy', { ...production, repository_owner: 'evil' }, 'intake'],
  ['20 a tag that is a branch', 'S', 'prod-deploy', { ...production, ref_type: 'tag' }, 'profile'],
  ['21 no repository_id', 'S', 'prod-deploy', { ...production, repository_id: undefined }, 'intake'],
  ['22 a list of environments', 'S', 'prod-deploy', { environment: ['production'] }, 'intake'],
  ['23 an id as a number', 'S', 'prod-deploy', { ...production, repository_id: 40211 }, 'grant'],
  ['24 a pattern', 'S', 'staging-db', { environment: 'staging', ref: 'refs/heads/release/2' }, 'grant'],
  [
    '25 * stops at /',
    'S',
    'staging-db',
    { environment: 'staging', ref: 'refs/heads/release/2/x' },
    'no_grant',
  ],
  [
    '26 * needs a character',
    'S',
    'staging-db',
    { environment: 'staging', ref: 'refs/heads/release/' },
    'no_grant',
  ],
  ['27 a tag pattern', 'S', 'release-bot', { ref: 'refs/tags/v1.2.3', ref_type: 'tag' }, 'grant'],
  ['28 a branch named like a tag', 'S', 'release-bot', { ref: 'refs/heads/v1.2.3' }, 'no_grant'],
  [
    '29 pull requests read',
    'S',
    'package-read',
    { event_name: 'pull_request', ref: 'refs/pull/7/merge' },
    'grant',
  ],
  [
    '30 outside the owners',
    'S',
    'package-read',
    { repository: 'acme-agents/web', repository_owner: 'acme-agents', repository_owner_id: '9920' },
    'no_grant',
  ],
  ['31 an unknown target', 'S', 'nothing-here', production, 'unknown_target'],
  ['32 the reusable workflow', 'C', 'prod-eks', pipe, 'grant'],
  ['33 an @ inside a branch', 'C', 'prod-eks', pipeAt('deploy.yml@refs/heads/x@refs/tags/v7'), 'no_grant'],
  ['34 a commit where a tag is asked', 'C', 'prod-eks', pipeAt(`deploy.yml@${'a1'.repeat(20)}`), 'no_grant'],
  ['35 a path that climbs', 'C', 'prod-eks', pipeAt('../deploy.yml@refs/tags/v7'), 'intake'],
  [
    '36 the right workflow, the wrong branch',
    'C',
    'prod-eks',
    { ...pipe, ref: 'refs/heads/develop' },
    'no_grant',
  ],
  ['37a an unprotected branch', 'C', 'prod-eks', { ...pipe, ref_protected: 'false' }, 'no_grant'],
  ['37b protection as a boolean', 'C', 'prod-eks', { ...pipe, ref_protected: true }, 'grant'],
  ['38 the property is not set', 'C', 'prod-eks', { ...pipe, repo_property_env_tier: undefined }, 'no_grant'],
  ['39 a self-hosted runner', 'C', 'prod-eks', { ...pipe, runner_environment: 'self-hosted' }, 'denied'],
  [
    '40 deny beats grant',
    'C',
    'prod-ledger-db',
    {
      ...pipe,
      repository: 'acme/ledger',
      repository_id: '40402',
      repo_property_team: 'payments',
      repository_visibility: 'public',
    },
    'denied',
  ],
  ['41 an agent is the actor', 'A', 'prod-deploy', { ...production, actor_id: '209825114' }, 'denied'],
  [
    '42 the agent workflow in another case and ref',
    'A',
    'prod-deploy',
    { ...production, job_workflow_ref: 'ACME/Pipelines/.github/workflows/agent.yml@refs/heads/fix' },
    'denied',
  ],
  ['43 an agent reads', 'A', 'agent-code', agent, 'grant'],
  ['44 head_ref is not ref', 'A', 'preview-db', { ...agent, head_ref: 'copilot/fix' }, 'no_grant'],
]

for (const [title, policy, target, changes, expected] of rows) {
  test(`case ${title}: ${expected}`, () => {
    assert.equal(verdict(policies[policy], target, changes), expected)
  })
}

test('a token is given anything at all exactly when some target is given to it', () => {
  const seen = new Set<boolean>()
  for (const [title, name, , changes] of rows) {
    const policy = policies[name]
    const asker = { issuer: 'github', claims: token(changes) }
    const some = [...policy.targets.keys()].some((target) => {
      const decision = decide(policy, { ...asker, target })
      return decision.allowed || decision.code === 'scope'
    })
    assert.equal(givesAny(policy, asker), some, title)
    seen.add(some)
  }
  assert.equal(seen.size, 2)
  assert.equal(givesAny(policies.S, { issuer: 'gitlab', claims: token(production) }), false)
})

test('a denied token is given nothing, whatever grants say', () => {
  const denied = policyOf(`version: 1
issuers: { github: { owners: [acme] } }
targets: { api: { tier: staging, access: read, token: { audience: "https://api.acme.example" } } }
grants: [{ name: web, who: { repo: acme/web, branch: main }, get: api, for: 5m }]
deny: [{ name: octocat, who: { actor: octocat } }]
`)
  const given = (changes: Changes) => givesAny(denied, { issuer: 'github', claims: token(changes) })
  assert.deepEqual([given({ actor: 'somebody', actor_id: '7' }), given({})], [true, false])
})

test('an issuer that the policy does not declare is refused, whatever its name', () => {
  for (const issuer of ['gitlab', '', 'GitHub', '__proto__', 'toString', 'constructor']) {
    assert.equal(verdict(policies.S, 'prod-deploy', production, issuer), 'intake', issuer)
  }
})

test('targets named like members of Object.prototype do not exist', () => {
  for (const target of ['__proto__', 'toString', 'constructor', '']) {
    assert.equal(verdict(policies.S, target, production), 'unknown_target', target)
  }
})

test('claims of a prototype are not claims', () => {
  const claims = { ...token(), environment: undefined }
  const inherited = Object.assign(Object.create({ environment: 'production' }), token())
  const own = JSON.parse('{"__proto__":{"environment":"production"}}')
  for (const each of [claims, inherited, { ...token(), ...own }]) {
    const decision = decide(policies.S, { issuer: 'github', claims: each, target: 'prod-deploy' })
    assert.equal(decision.allowed, false)
  }
})

const scoped = policyOf(`version: 1
issuers: { github: { owners: [acme] } }
targets:
  api: { tier: staging, access: write, token: { audience: "https://api.example", scopes: [read, write, delete] } }
grants:
  - { name: reads, who: { repo: acme/web, branch: [main, next] }, get: { target: api, scopes: [read] }, for: 30m }
  - { name: writes, who: { repo: acme/web, branch: main }, get: { target: api, scopes: [read, write] }, for: 5m }
`)

function scopes(branch: string, wanted?: readonly string[], seconds?: number) {
  return decide(scoped, {
    issuer: 'github',
    claims: token({ ref: `refs/heads/${branch}` }),
    target: 'api',
    ...(wanted && { scopes: wanted }),
    ...(seconds !== undefined && { seconds }),
  })
}

test('without a wish a token gets the union of the scopes of all grants that match', () => {
  const decision = scopes('main')
  assert.ok(decision.allowed)
  assert.deepEqual(decision.grants, ['reads', 'writes'])
  assert.deepEqual(decision.scopes, ['read', 'write'])
})

test('a long grant of one scope does not stretch a short grant of another', () => {
  const seconds = (...wish: Parameters<typeof scopes>) => {
    const decision = scopes(...wish)
    return decision.allowed && decision.seconds
  }
  assert.equal(seconds('main'), 300)
  assert.equal(seconds('main', ['read']), 1800)
  assert.equal(seconds('main', ['write']), 300)
  assert.equal(seconds('main', ['write', 'read']), 300)
})

test('a scope that no matching grant gives is refused, also one that the target has', () => {
  const code = (...wish: Parameters<typeof scopes>) => {
    const decision = scopes(...wish)
    return decision.allowed ? decision.scopes : decision.code
  }
  assert.deepEqual(code('next', ['read']), ['read'])
  assert.equal(code('next', ['write']), 'scope')
  assert.equal(code('main', ['read', 'delete']), 'scope')
  assert.equal(code('main', ['toString']), 'scope')
})

test('asking for no scopes gives none', () => {
  const decision = scopes('main', [])
  assert.ok(decision.allowed)
  assert.deepEqual(decision.scopes, [])
})

test('the wish shortens a lifetime and never stretches it', () => {
  const seconds = (wish: number) => {
    const decision = scopes('next', ['read'], wish)
    return decision.allowed ? decision.seconds : decision.code
  }
  assert.equal(seconds(60), 60)
  assert.equal(seconds(90.7), 90)
  assert.equal(seconds(1e9), 1800)
  for (const wish of [0, -1, Number.NaN, 0.5]) assert.equal(seconds(wish), 'intake', String(wish))
  assert.equal(seconds(Number.POSITIVE_INFINITY), 1800)
})
