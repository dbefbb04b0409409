import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../base/canonical-json.ts'
import { claimsRead } from './claims-read.ts'
import { permit } from './permission.ts'
import { openPolicy } from './policies.ts'

const inForce = openPolicy({
  files: [
    {
      path: 'p.policy.yaml',
      text: `version: 1
issuers: { github: { owners: [acme], properties: [team] } }
targets: { orders-api: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, repo_property_team: shop }, get: orders-api, for: 10m }
`,
    },
  ],
  lock: { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n' },
})

const token: Record<string, Json> = {
  ...{ iss: 'i', aud: 'a', sha: '0', run_id: '7', head_ref: 'x', actor: 'octocat' },
  ...{ sub: 'repo:acme/shop:ref:refs/heads/main', repo_property_team: 'shop', repo_property_other: 'x' },
  ...{
    repository: 'acme/shop',
    repository_id: '40211',
    repository_owner: 'acme',
    repository_owner_id: '9919',
  },
  ...{ actor_id: '1', event_name: 'push', ref: 'refs/heads/main', ref_type: 'branch', ref_protected: 'true' },
  ...{ job_workflow_ref: 'acme/shop/.github/workflows/ci.yml@refs/heads/main' },
  ...{ runner_environment: 'github-hosted', repository_visibility: 'private' },
}

test('the claims that a policy reads are enough to decide again, and no others are named', () => {
  const names = claimsRead(inForce, 'github', token)
  const kept = Object.fromEntries(names.map((name) => [name, token[name] ?? null]))
  const principal = { issuer: 'github', iss: 'i', subject: 's', replayKey: 'k', replayUntil: 1 }
  const again = permit(inForce, { ...principal, claims: kept }, { target: 'orders-api' })
  assert.deepEqual(again, permit(inForce, { ...principal, claims: token }, { target: 'orders-api' }))
  for (const name of names) {
    const { [name]: _, ...without } = kept
    const fewer = claimsRead(inForce, 'github', without)
    assert.ok(!fewer.includes(name))
  }
  const idle = ['iss', 'aud', 'sha', 'run_id', 'head_ref', 'actor', 'repo_property_other']
  assert.deepEqual(
    idle.filter((name) => names.includes(name)),
    [],
  )
  assert.ok(names.includes('repo_property_team') && names.includes('job_workflow_ref'))
})

test('an issuer that the policy does not know has no claims that are read', () => {
  assert.deepEqual(claimsRead(inForce, 'gitlab', token), [])
})
