/** Tools that ask by themselves: git, and whatever reads a `credential_process` of AWS. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { stsFor } from '../fakes/aws-sts.ts'
import { githubFor } from '../fakes/github.ts'
import { openGithubAppFake } from '../fakes/github-app.ts'
import { ask } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  bot: { tier: shared, max: 20m, github_app: { app: acme-bot, repos: [acme/docs], permissions: { contents: read } } }
  deploy: { tier: staging, access: admin, max: 30m, aws_role: "arn:aws:iam::111122223333:role/deploy" }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [bot, deploy, orders-api, orders-api-staging], for: 15m }
`

test('git gets a token for its host alone; tools of AWS get keys with their end; both are told why not', async (t) => {
  const api = await openGithubAppFake(Date.now)
  atEnd(t, () => api.close())
  const app = api.newApp()
  api.install(app, 'acme', ['docs'], { contents: 'write', metadata: 'read' })
  const keys = new Map<string, object>()
  let url = ''
  const sts = await stsFor(t, {
    ...{ now: Date.now, region: 'eu-central-1', roles: ['arn:aws:iam::111122223333:role/deploy'] },
    provider: {
      get issuer() {
        return url
      },
      key: (kid) => {
        const jwk = keys.get(kid)
        return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
      },
    },
  })
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  url = site.url
  const bot = `{ app_id: "${app.id}", private_key: { file: ./app.pem }, api: "${api.url}", dangerously_allow_http: true }`
  const aws = `{ mode: web_identity, region: eu-central-1, sts: "${sts.url}" }`
  appendFileSync(site.config, `connections: { github_app: { acme-bot: ${bot} }, aws: { main: ${aws} } }\n`)
  writeFileSync(join(site.folder, 'app.pem'), app.privateKey)
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const key of body['keys'] as readonly { kid: string }[]) keys.set(key.kid, key)
  const env = { MAYFLY_URL: site.url, ...github.job(pushJob('staging')).env }

  const git = (operation: string, input: string, target = 'bot') =>
    mayfly(['git-credential', '--target', target, operation], { env, input })
  const got = await git('get', 'protocol=https\nhost=github.com\n\n')
  const [, token = ''] = /^username=x-access-token\npassword=(.+)\n$/.exec(got.stdout) ?? []
  assert.deepEqual([got.exitCode, api.works(token)], [0, true])
  // Another host, no encryption, and what a helper need not do: nothing is said, and nothing asked for.
  const before = api.asked.length
  for (const [operation, input] of [
    ['get', 'protocol=https\nhost=evil.example\n'],
    ['get', 'protocol=http\nhost=github.com\n'],
    ['get', 'protocol=https\nhost=github.com.evil.example\n'],
    ['store', 'protocol=https\nhost=github.com\npassword=x\n'],
    ['erase', 'protocol=https\nhost=github.com\n'],
  ] as const)
    assert.deepEqual(await git(operation, input), { exitCode: 0, stdout: '', stderr: '' })
  assert.equal(api.asked.length, before)
  const parts = await git('get', 'protocol=https\nhost=github.com\n', 'deploy')
  assert.deepEqual([parts.exitCode, parts.stdout], [2, ''])
  const refused = await git('get', 'protocol=https\nhost=github.com\n', 'bots')
  assert.match(refused.stderr, /did you mean bot\?/)

  const process = (target: string) => mayfly(['aws-credential-process', '--target', target], { env })
  const printed = JSON.parse((await process('deploy')).stdout)
  assert.deepEqual(Object.keys(printed), [
    'Version',
    'AccessKeyId',
    'SecretAccessKey',
    'Expiration',
    'SessionToken',
  ])
  assert.equal(printed.Version, 1)
  const seconds = (Date.parse(printed.Expiration) - Date.now()) / 1000
  assert.ok(seconds > 600 && seconds <= 1_000, `${seconds} s`)
  const wrong = await process('orders-api')
  assert.deepEqual([wrong.exitCode, wrong.stdout], [2, ''])
  assert.match(wrong.stderr, /is of kind token, and gives no keys of AWS/)
  // What was of no use is given back; what the tools have lives on.
  const typed = ['leases', 'list', '--state', 'active,stuck', '--json', '--config', site.config]
  const { leases } = JSON.parse((await mayfly(typed)).stdout) as { leases: { target: string }[] }
  assert.deepEqual(leases.map(({ target }) => target).toSorted(), ['bot', 'deploy'])
})
