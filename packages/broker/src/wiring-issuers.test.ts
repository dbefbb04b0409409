import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemas } from '@mayfly/policy/read/issuers'
import { fakeTools } from '../../../test/fakes/clock.ts'
import { ours, platformClaims } from '../../../test/fakes/platform-claims.ts'
import { newSigningKey, signToken } from '../../../test/fakes/signing-key.ts'
import { Failure } from './base/failure.ts'
import type { Config } from './config/config.ts'
import { claimsRead } from './decide/claims-read.ts'
import { permit } from './decide/permission.ts'
import { openPolicy, type PolicyInForce } from './decide/policies.ts'
import { parseCompact } from './verify/compact.ts'
import { openOidcIssuer } from './verify/issuers/oidc.ts'
import { type PresetName, policyKinds, presetNames } from './verify/preset-names.ts'
import { issuerSettings } from './verify/settings.ts'
import { issuerFaults } from './wiring-issuers.ts'

const key = newSigningKey('key-1')
const organization = platformClaims.circleci['oidc.circleci.com/org-id']
const project = platformClaims.circleci['oidc.circleci.com/project-id']

/** For each preset: its issuer in a policy, who is granted, and a change of the token that is not. */
const rows: readonly (readonly [PresetName, issuer: string, who: string, other: object])[] = [
  ['gitlab', 'owners: [12]', '{ project: 77, branch: main }', { ref: 'next', ref_path: 'refs/heads/next' }],
  ['buildkite', 'owners: [acme]', '{ pipeline: shop, branch: main, event: ui }', { build_branch: 'next' }],
  [
    'circleci',
    `owners: [${organization}]`,
    `{ project: ${project}, origin: github.com/acme/shop, branch: main }`,
    { 'oidc.circleci.com/vcs-origin': 'github.com/stranger/shop' },
  ],
  ['terraform', 'owners: [org-A1]', '{ workspace: ws-A1 }', { terraform_run_phase: 'plan' }],
  [
    'kubernetes',
    '',
    '{ namespace: build, service_account: deployer }',
    {
      sub: 'system:serviceaccount:other:deployer',
      'kubernetes.io': { namespace: 'other', serviceaccount: { name: 'deployer' } },
    },
  ],
  ['auth0', '', '{ client: dEpLoYeR1 }', { azp: 'other' }],
  ['oidc', 'claims: [sub, department]', '{ sub: robot-1, department: shop }', { department: 'Shop' }],
  ['bitbucket', 'claims: [repositoryUuid, branchName]', '{ branchName: main }', { branchName: 'next' }],
  ['azure-devops', 'claims: [prj_id, def_id]', '{ def_id: "8" }', { def_id: '9' }],
  ['vercel', 'claims: [project_id, environment]', '{ project_id: prj_A1 }', { project_id: 'prj_B2' }],
  ['fly', 'claims: [app_id]', '{ app_id: "66" }', { app_id: '67' }],
  [
    'aws',
    'claims: [sub]',
    '{ sub: "arn:aws:iam::111122223333:role/deployer" }',
    { sub: 'arn:aws:iam::1:role/x' },
  ],
  ['semaphore', 'claims: [prj_id, ref]', '{ ref: refs/heads/main }', { ref: 'refs/heads/next' }],
]

function policyFor(preset: PresetName, issuer: string, who: string): PolicyInForce {
  const inner = [`kind: ${policyKinds[preset]}`, issuer].filter((part) => part !== '').join(', ')
  const text = `version: 1
issuers: { ci: { ${inner} } }
targets: { it: { tier: shared, access: write, secret: it } }
grants: [{ name: it, who: ${who}, get: it, for: 5m }]
`
  return openPolicy({ files: [{ path: 'a.policy.yaml', text }] })
}

for (const [preset, issuer, who, other] of rows) {
  test(`${preset}: what its adapter verifies is what a policy of its kind judges`, async () => {
    const inForce = policyFor(preset, issuer, who)
    const sample = platformClaims[preset]
    const settings = issuerSettings.parse({ preset, issuer: sample.iss, jwks: { keys: [key.jwk] } })
    const config = { issuers: { ci: settings } } as unknown as Config
    assert.deepEqual(issuerFaults(config, inForce), [])
    const opened = openOidcIssuer({ name: 'ci', settings, audience: ours, tools: fakeTools() })
    const principal = await opened.verify(parseCompact(signToken(key, sample)))
    assert.deepEqual(permit(inForce, principal, { target: 'it' }).grants, ['it'])
    // What is kept in the log decides again: nested claims whole.
    const kept = claimsRead(inForce, 'ci', principal.claims)
    assert.deepEqual(permit(inForce, { ...principal, claims: kept }, { target: 'it' }).grants, ['it'])
    const stranger = await opened.verify(parseCompact(signToken(key, { ...sample, ...other })))
    assert.throws(
      () => permit(inForce, stranger, { target: 'it' }),
      (thrown) => thrown instanceof Failure && thrown.decision === 'no_grant',
    )
  })
}

test('a preset fits its own kind and no other', () => {
  for (const preset of presetNames) {
    for (const [kind, schema] of schemas) {
      const inForce = { policy: { issuers: new Map([['ci', { schema }]]) } } as unknown as PolicyInForce
      const config = { issuers: { ci: { preset } } } as unknown as Config
      assert.equal(
        issuerFaults(config, inForce).length,
        policyKinds[preset] === kind ? 0 : 1,
        `${preset} ${kind}`,
      )
    }
  }
})

test('every kind that a preset names exists, and every kind has a preset', () => {
  assert.deepEqual(new Set(Object.values(policyKinds)), new Set(schemas.keys()))
})
