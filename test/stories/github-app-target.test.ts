/** A job gets a token of a GitHub App for one repository, uses it with GitHub's own client, and loses it with its end. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Octokit } from '@octokit/rest'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { openGithubAppFake } from '../fakes/github-app.ts'
import { exchange, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  bot: { tier: shared, max: 20m, github_app: { app: acme-bot, repos: [acme/docs], permissions: { contents: read } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [bot, orders-api, orders-api-staging], for: 10m }
`

async function start(t: TestContext) {
  const api = await openGithubAppFake(Date.now)
  atEnd(t, () => api.close())
  const app = api.newApp()
  api.install(app, 'acme', ['docs', 'shop'], { contents: 'write', issues: 'write', metadata: 'read' })
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const connection = `{ app_id: "${app.id}", private_key: { file: ./app.pem }, api: "${api.url}", dangerously_allow_http: true }`
  appendFileSync(site.config, `connections: { github_app: { acme-bot: ${connection} } }\n`)
  writeFileSync(join(site.folder, 'app.pem'), app.privateKey)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = async () => {
    const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'bot' })
    assert.equal(answer.status, 200, answer.text)
    return { token: String(answer.body['access_token']), lease: String(answer.body['lease_token']) }
  }
  const endJob = () =>
    github.completeJob(job, `${broker.url}/webhooks/github`, site.secrets['webhook-secret'])
  const read = async (token: string, repo: string) => {
    const octokit = new Octokit({
      auth: token,
      baseUrl: api.url,
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
    const answer = await octokit.rest.repos
      .getContent({ owner: 'acme', repo, path: 'README.md' })
      .catch((thrown: unknown) => ({ status: (thrown as { status?: number }).status }))
    return answer.status
  }
  return { api, site, broker, get, endJob, read }
}

test('the token reaches the one repository of the policy, and nothing after the job', async (t) => {
  const { api, site, get, endJob, read } = await start(t)
  const { token } = await get()
  assert.equal(await read(token, 'docs'), 200)
  assert.notEqual(await read(token, 'shop'), 200)
  assert.equal((await endJob()).status, 202)
  assert.equal(await read(token, 'docs'), 401)
  assert.equal(api.tokens.size, 0)
  assert.ok(!(await exportedLog(site.config)).text.includes(token))
})

test('the token of the lease ends it at GitHub', async (t) => {
  const { api, broker, get, read } = await start(t)
  const { token, lease } = await get()
  assert.notEqual(token, lease)
  await revoke(broker.url, lease)
  assert.equal(await read(token, 'docs'), 401)
  assert.equal(api.tokens.size, 0)
})
