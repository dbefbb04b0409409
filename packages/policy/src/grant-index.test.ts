import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { policyOf, token } from '../test/fixture.ts'
import { matches } from './box.ts'
import { admit, decide } from './decide.ts'
import type { Policy } from './policy.ts'

const workflow = (repo: string) =>
  `workflow: { repo: ${repo}, file: .github/workflows/d.yml, ref: refs/heads/main }`

/** Ways to say whose job is meant, of which each grant takes some: they fall into different buckets. */
const identities = [
  'repo: acme/web',
  'repo: [acme/web, acme/api]',
  'repo: { like: "acme/a-*" }',
  'repo: { not: acme/web }, owner: acme',
  'owner: acme',
  workflow('acme/pipelines'),
  workflow('[acme/pipelines, acme/web]'),
  workflow('{ like: "acme/p-*" }'),
  'repo_property_team: payments',
  ...['40212', '9919', '[583231, 40211]', '1001'].map((id) => `repository_id: ${id}`),
  ...['b-*', 'c-*', 'w*'].map((name) => `repo: { like: "acme/${name}" }`),
]
const narrower = [
  'branch: main',
  'branch: { like: "r-*" }',
  'environment: p',
  'environment: { not: p, or_absent: true }',
  'environment: q',
  'environment: { like: "q*", or_absent: true }',
  'actor: octocat',
]

/** Each claim once. */
const anyGrant = fc
  .tuple(fc.constantFrom(...identities), fc.subarray(narrower))
  .map(([identity, more]) => {
    const claims = more.map((condition) => condition.split(':')[0])
    return [identity, ...more.filter((_, at) => claims.indexOf(claims[at]) === at)]
  })
  .map((conditions) => `{ ${conditions.join(', ')} }`)

const anyToken = fc.record({
  repository_id: fc.constantFrom('40211', '40212', '9919', '583231', '1001'),
  repository: fc.constantFrom('acme/web', 'acme/a-b', 'acme/b-c'),
  repository_owner_id: fc.constantFrom('9919', '40211'),
  ref: fc.constantFrom('refs/heads/main', 'refs/heads/r-1', undefined),
  environment: fc.constantFrom('p', 'q', undefined),
  actor_id: fc.constantFrom('583231', '9919'),
  repo_property_team: fc.constantFrom('payments', undefined),
  job_workflow_ref: fc.constantFrom(
    ...['pipelines', 'web', 'p-x'].map((repo) => `acme/${repo}/.github/workflows/d.yml@refs/heads/main`),
    undefined,
  ),
})

function policyWith(grants: readonly string[], denies: readonly string[]): Policy {
  return policyOf(`version: 1
issuers: { github: { owners: [acme], properties: [team] } }
targets: { t: { tier: x, access: read, secret: t } }
grants:
${grants.map((who, at) => `  - { name: g${at}, who: ${who}, get: t, for: 1m }`).join('\n')}
deny:
${denies.map((who, at) => `  - { name: d${at}, who: ${who} }`).join('\n')}
`)
}

/** The meaning of a policy without any index: every rule, one after the other. */
function byScan(policy: Policy, claims: Record<string, unknown>): readonly string[] {
  const admitted = admit(policy, { issuer: 'github', claims })
  if ('allowed' in admitted || admitted.profile !== undefined) return []
  const hit = (rule: Policy['denies'][number] | Policy['grants'][number]) =>
    rule.boxes.some((box) => matches(box, admitted.token))
  return policy.denies.some(hit) ? [] : policy.grants.filter(hit).map(({ name }) => name)
}

test('the index gives the same grants as looking at every rule', () => {
  const policies = fc.array(anyGrant, { minLength: 1, maxLength: 40, size: 'max' })
  const tokens = fc.array(anyToken, { minLength: 20, maxLength: 20 })
  let granted = 0
  fc.assert(
    fc.property(policies, tokens, (grants, changes) => {
      const policy = policyWith(grants, [
        '{ environment: p, actor: octocat, branch: r-1, ref_protected: true }',
      ])
      for (const change of changes) {
        const claims = token(change)
        const decision = decide(policy, { issuer: 'github', claims, target: 't' })
        const found = decision.allowed ? decision.grants : []
        granted += found.length
        assert.deepEqual(found, byScan(policy, claims).toSorted())
      }
    }),
    { numRuns: 200, seed: 1 },
  )
  assert.ok(granted > 500, `only ${granted} grants were compared`)
})
