import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ids, type PlatformName, platformPolicy, platforms } from '../../test/platforms.ts'
import { loadPolicy } from '../load.ts'

/** Grants that load nowhere, with the code that says why. */
const dangerous: Readonly<Record<PlatformName, readonly (readonly [who: string, code: string])[]>> = {
  gitlab: [
    ['{ project: 77 }', 'P010'],
    ['{ project: 77, ref_protected: false }', 'P010'],
    ['{ project: 77, branch: { like: "**" } }', 'P010'],
    ['{ branch: main }', 'P009'],
    ['{ actor: 9, branch: main }', 'P015'],
    ['{ project: 77, branch: main, event: [push, merge_request_event] }', 'P012'],
    ['{ project: 77, branch: main, event: [push, trigger] }', 'P011'],
    ['{ project: 77, branch: main, event: pipeline }', 'P011'],
    ['{ project: 77, branch: main, event: { not: trigger } }', 'P016'],
    ['{ project: acme/shop, branch: main }', 'P006'],
    ['{ project: { like: "acme*/shop" }, branch: main }', 'P033'],
    ['{ project: 77, ref: main }', 'P031'],
    ['{ project: 77, branch: main, user_login: dana }', 'P031'],
    ['{ sub: x, branch: main }', 'P014'],
    ['{ project: 77, branch: refs/heads/main }', 'P006'],
    ['{ project: 77, tag: v1, event: merge_request_event }', 'P007'],
    ['{ project: 77, workflow: x, branch: main }', 'P002'],
  ],
  buildkite: [
    ['{ pipeline: shop }', 'P010'],
    ['{ branch: main }', 'P009'],
    ['{ pipeline: shop, branch: main, build_commit: aaaa }', 'P031'],
    ['{ pipeline: shop, build_branch: main }', 'P031'],
  ],
  circleci: [
    [`{ project: ${ids.project}, branch: main }`, 'P011'],
    [`{ project: ${ids.project}, origin: github.com/acme/shop }`, 'P010'],
    ['{ origin: { like: "github.com/*/shop" }, branch: main }', 'P033'],
    ['{ origin: github.com/acme/shop, branch: main, context_ids: x }', 'P031'],
  ],
  kubernetes: [
    ['{ service_account: deployer }', 'P009'],
    ['{ namespace: build }', 'P010'],
    ['{ pod: deployer-1 }', 'P009'],
    ['{ sub: "system:serviceaccount:build:deployer" }', 'P014'],
  ],
  terraform: [
    ['{ workspace: ws-A1, phase: [plan, apply] }', 'P012'],
    ['{ organization: org-A1 }', 'P010'],
    ['{ workspace: shop-prod }', 'P006'],
    ['{ workspace: ws-A1, terraform_run_id: run-1 }', 'P031'],
  ],
  auth0: [
    ['{ organization: org_A1 }', 'P010'],
    ['{ client: x, scope: admin }', 'P031'],
    ['{ client: x, permissions: admin }', 'P031'],
    ['{ client: x, roles: admin }', 'P031'],
  ],
  oidc: [
    ['{ email: a }', 'P032'],
    ['{ department: { any: true } }', 'P009'],
    ['{ aud: a }', 'P031'],
  ],
}

for (const name of Object.keys(platforms) as PlatformName[]) {
  test(`${name}: dangerous grants are refused, and the hint names its own words`, () => {
    for (const [who, code] of dangerous[name]) {
      const grant = `\n  - { name: it, who: ${who}, get: deploy, for: 10m }`
      const text = platformPolicy(platforms[name].issuer, grant)
      const loaded = loadPolicy([{ path: 'a.policy.yaml', text }])
      const errors = loaded.ok ? [] : loaded.problems.filter(({ severity }) => severity === 'error')
      assert.ok(
        errors.some((problem) => problem.code === code),
        `${who}: ${errors.map((each) => each.code)}`,
      )
      for (const { message, hint = '' } of errors)
        assert.doesNotMatch(message + hint, /GitHub|repo:|pull request|workflow:/, who)
    }
  })
}
