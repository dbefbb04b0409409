/** `mayfly import` and `mayfly export` as their users see them. What is never widened is shown in packages/policy/test/convert. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mayfly } from './command-line.ts'

const provider = 'token.actions.githubusercontent.com'
const role = 'arn:aws:iam::111122223333:role/deploy'
const lock = 'owners: { acme: 9919 }\nrepos: { acme/web: 40211 }\nusers: {}\n'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-convert-test-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function policies(t: TestContext, text: string): string {
  const path = join(folder(t), 'policies')
  mkdirSync(path)
  writeFileSync(join(path, 'imported.policy.yaml'), text)
  writeFileSync(join(path, 'policy.lock.yaml'), lock)
  return path
}

const trust = (sub: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${provider}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: { StringLike: { [`${provider}:sub`]: sub } },
    },
  ],
})

test('a role comes in, is a policy that checks, and goes out again', async (t) => {
  const input = JSON.stringify({
    Role: { Arn: role, AssumeRolePolicyDocument: trust('repo:acme/web:*'), MaxSessionDuration: 3600 },
  })
  const imported = await mayfly(['import', 'aws', '-'], { input })
  assert.equal(imported.exitCode, 0, imported.stderr)
  assert.match(
    imported.stderr,
    /^deploy: narrowed: any branch, any tag, any environment and any pull request match/m,
  )
  assert.match(imported.stderr, /^deploy: narrowed: a token made for any other service/m)
  assert.match(imported.stderr, /`mayfly policy lock` must find: owners acme, repos acme\/web/)
  const path = policies(t, imported.stdout)
  const checked = await mayfly(['policy', 'check', path])
  assert.equal(checked.exitCode, 0, checked.stderr)
  const exported = await mayfly(['export', 'aws', path])
  assert.equal(exported.exitCode, 0, exported.stderr)
  const [made] = JSON.parse(exported.stdout) as { role: string; document: object }[]
  assert.equal(made?.role, role)
  assert.match(exported.stderr, /include_claim_keys\[\]=event_name/)
  const again = await mayfly(['import', 'aws', '--role', role, '--owner', 'acme=9919', '-'], {
    input: JSON.stringify(made?.document),
  })
  assert.equal(again.exitCode, 0, again.stderr)
})

test('what a platform cannot say is told, and nothing is written', async (t) => {
  const path = policies(
    t,
    `version: 1
issuers: { github: { owners: [acme] } }
targets:
  deploy: { tier: staging, access: admin, aws_role: "${role}" }
  cloud: { tier: staging, access: admin, gcp_service_account: deploy@acme.iam.gserviceaccount.com }
  entra: { tier: staging, access: admin, azure: { client: 00000000-0000-4000-8000-000000000001, scope: x } }
grants:
  - { name: go, who: { repo: acme/web, branch: { like: "release/*" }, environment: { absent: true } }, get: [deploy, cloud, entra], for: 15m }
`,
  )
  const says = async (typed: readonly string[], pattern: RegExp) => {
    const { exitCode, stdout, stderr } = await mayfly(['export', ...typed, path])
    assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' }, stderr)
    assert.match(stderr, pattern)
  }
  await says(['aws'], /sessions of an hour, the policy says 900 seconds; accept it with --longer/)
  await says(['azure', '--longer'], /grant `go`/)
  await says(['vault', '--audience', 'https://vault.acme.dev'], /Vault cannot ask for/)
  const pool = 'projects/1/locations/global/workloadIdentityPools/ci'
  const gcp = await mayfly(['export', 'gcp', '--longer', '--pool', pool, '--audience', 'https://ci', path])
  assert.equal(gcp.exitCode, 0, gcp.stderr)
  const [made] = JSON.parse(gcp.stdout) as { provider: object }[]
  const provided = join(folder(t), 'provider.json')
  writeFileSync(provided, JSON.stringify(made?.provider))
  const account = 'deploy@acme.iam.gserviceaccount.com'
  const back = await mayfly(['import', 'gcp', '--service-account', account, '--owner', 'acme=9919', provided])
  assert.equal(back.exitCode, 0, back.stderr)
  assert.match(back.stdout, /environment: \{ absent: true \}/)
})

test('octo-sts and Vault come in as files, and --json says all of it', async (t) => {
  const at = folder(t)
  const octo = join(at, 'release.sts.yaml')
  writeFileSync(
    octo,
    `issuer: https://${provider}\nsubject_pattern: repo:acme/web:ref:refs/tags/.*\npermissions: { contents: write }\n`,
  )
  const release = await mayfly([
    'import',
    'octo-sts',
    '--repository',
    'acme/web',
    '--tier',
    'shared',
    '--json',
    octo,
  ])
  assert.equal(release.exitCode, 0, release.stderr)
  const { policy, names, findings } = JSON.parse(release.stdout) as {
    policy: string
    names: object[]
    findings: { code: string }[]
  }
  assert.match(policy, /github_app: \{ app: "octo-sts", repos: \["acme\/web"\]/)
  assert.equal(names.length, 2)
  assert.ok(findings.some(({ code }) => code === 'wildcard'))
  const vault = join(at, 'shop.json')
  writeFileSync(
    vault,
    JSON.stringify({ data: { role_type: 'jwt', bound_claims: { repository: 'acme/web' } } }),
  )
  const shop = await mayfly(['import', 'vault', vault])
  assert.equal(shop.exitCode, 0, shop.stderr)
  assert.match(shop.stdout, /shop: \{ tier: production, access: admin, max: 3600s, secret: "shop" \}/)
})

test('a document of which nothing can be taken is refused, and cannot speak to the terminal', async () => {
  const everybody = await mayfly(['import', 'aws', '--role', role, '-'], {
    input: JSON.stringify(trust('repo:*')),
  })
  assert.deepEqual({ exitCode: everybody.exitCode, stdout: everybody.stdout }, { exitCode: 1, stdout: '' })
  assert.match(everybody.stderr, /every repository of GitHub matches/)
  const hostile = await mayfly(['import', 'aws', '--role', role, '-'], {
    input: JSON.stringify(trust('repo:acme/web:\u001b[31mx')),
  })
  assert.equal(hostile.exitCode, 1)
  assert.ok(!hostile.stderr.includes('\u001b'))
  assert.equal((await mayfly(['import', 'aws', '--role', role, '-'], { input: 'no' })).exitCode, 2)
  assert.equal((await mayfly(['import', 'aws', '-'], { input: '{}' })).exitCode, 2)
  assert.equal((await mayfly(['export', 'vault', 'policies'])).exitCode, 2)
})

test('with --beside, what comes from several platforms is one policy of a folder', async (t) => {
  const input = JSON.stringify(trust('repo:acme/web:ref:refs/heads/main'))
  const first = await mayfly(['import', 'aws', '--role', role, '-'], { input })
  const path = policies(t, first.stdout)
  const shop = join(folder(t), 'shop.json')
  const claims = { repository: 'acme/web', ref: 'refs/heads/main' }
  writeFileSync(shop, JSON.stringify({ data: { role_type: 'jwt', bound_claims: claims } }))
  const second = await mayfly(['import', 'vault', '--beside', shop])
  assert.equal(second.exitCode, 0, second.stderr)
  assert.match(second.stdout, /^version: 1\ntargets:\n/)
  writeFileSync(join(path, 'shop.policy.yaml'), second.stdout)
  const checked = await mayfly(['policy', 'check', path])
  assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr)
})
