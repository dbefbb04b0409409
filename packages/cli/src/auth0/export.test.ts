import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadPolicy } from '@mayfly/policy/load'
import { exportAction } from './export.ts'
import { tenantText } from './tenant.ts'

const text = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders: { tier: staging, token: { audience: https://orders.acme.example, scopes: { read: read, write: write } } }
  a.b: { tier: shared, access: read, auth0: { tenant: main, audience: https://a.acme.example } }
  a-b: { tier: shared, access: read, auth0: { tenant: main, audience: https://b.acme.example } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main }, get: [orders, a.b, a-b], for: 10m }
`
const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], {
  path: 'policy.lock.yaml',
  text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n',
})
assert.ok(loaded.ok, JSON.stringify(loaded.ok ? '' : loaded.problems))
const { policy } = loaded
const settings = {
  audience: 'https://acme.eu.auth0.com/',
  issuers: { github: 'https://token.actions.githubusercontent.com' },
  connection: 'workloads',
  subjectTokenType: 'urn:mayfly:job-token',
}

test('the Terraform is written as terraform itself would write it', (context) => {
  const text = exportAction(policy, settings, '').terraform
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-terraform-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'mayfly.tf'), text)
  const plain = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
  let depth = 0
  for (const letter of plain) {
    depth += letter === '{' ? 1 : letter === '}' ? -1 : 0
    assert.ok(depth >= 0)
  }
  assert.equal(depth, 0)
  const labels = [...text.matchAll(/^resource ("\w+" "\w+") \{$/gm)].map(([, label]) => label)
  assert.equal(new Set(labels).size, labels.length)
  // Where it is installed it judges; it needs no network for that.
  const env = { PATH: process.env['PATH'] ?? '', CHECKPOINT_DISABLE: '1', HOME: folder }
  const judged = spawnSync('terraform', ['fmt', '-check', '-diff', folder], {
    env,
    encoding: 'utf8',
  })
  if (judged.error === undefined) assert.equal(judged.status, 0, judged.stdout + judged.stderr)
})

test('an Action that is larger than Auth0 takes is an error that says so', () => {
  assert.doesNotThrow(() => exportAction(policy, settings, '/'.repeat(50_000)))
  assert.throws(
    () => exportAction(policy, settings, '/'.repeat(100_000)),
    /the Action has \d+ bytes, and Auth0 takes 100000: export fewer/,
  )
})

test('what a policy calls things is text in the Terraform, whatever letters it has', () => {
  const dollar = '$'
  const api = { name: 'a b', audience: `https://${dollar}{x}.%{if}"\\.example`, scopes: [], seconds: 60 }
  const same = { ...api, name: 'a.b' }
  const odd = tenantText({
    ...{ connection: 'c', subjectTokenType: 'urn:t', actionFile: 'a.js', apis: [api, same] },
  })
  assert.match(odd, /"auth0_resource_server" "api_a_b" .*"auth0_resource_server" "api_a_b_2" /s)
  assert.ok(
    odd.includes(
      `identifier                                      = "https://${dollar}${dollar}{x}.%%{if}\\"\\\\.example"`,
    ),
  )
})
