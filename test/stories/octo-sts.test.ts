/** Clients of octo-sts get tokens of a GitHub App from a broker whose URL they were given, and refusals that they show. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { openGithubAppFake } from '../fakes/github-app.ts'
import { octoStsAction, octoStsPost } from '../fakes/octo-sts-client.ts'
import { ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  release: { tier: shared, max: 20m, github_app: { app: acme-bot, repos: [acme/docs], permissions: { contents: read } } }
  writer: { tier: shared, max: 20m, github_app: { app: acme-bot, repos: [acme/docs], permissions: { contents: write } } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [release, orders-api, orders-api-staging], for: 10m }
  - { name: ship, who: { repo: acme/shop, branch: main, environment: production }, get: writer, for: 10m }
`

async function start(
  t: TestContext,
  dialects = '{ octo_sts: { targets: { acme/docs: { bot: release } } } }',
) {
  const api = await openGithubAppFake(Date.now)
  atEnd(t, () => api.close())
  const app = api.newApp()
  api.install(app, 'acme', ['docs', 'shop'], { contents: 'write', metadata: 'read' })
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const connection = `{ app_id: "${app.id}", private_key: { file: ./app.pem }, api: "${api.url}", dangerously_allow_http: true }`
  appendFileSync(
    site.config,
    `connections: { github_app: { acme-bot: ${connection} } }\ndialects: ${dialects}\n`,
  )
  writeFileSync(join(site.folder, 'app.pem'), app.privateKey)
  const broker = await runBroker(t, site.config)
  const domain = new URL(site.url).host
  return { api, site, broker, domain, github, job: github.job(pushJob('staging')) }
}

test('the action gets a token by changing its domain, by the name of a target or of an identity', async (t) => {
  const { api, site, domain, job } = await start(t)
  for (const identity of ['release', 'bot']) {
    const got = await octoStsAction(job, { domain, scope: 'acme/docs', identity })
    assert.ok('token' in got, JSON.stringify(got))
    assert.ok(api.tokens.has(got.token))
    assert.equal((await octoStsPost(api.url, got.token)).status, 204)
  }
  const { entries, text } = await exportedLog(site.config)
  const issued = entries.filter((entry) => entry.type === 'credential.issued')
  assert.deepEqual(
    issued.map((entry) => [entry.via, entry.target]),
    [
      ['octo-sts', 'release'],
      ['octo-sts', 'release'],
    ],
  )
  assert.ok(!text.includes('ghs_'))
})

test('a refusal says in the message which condition failed, and is in the log as what it is', async (t) => {
  const { site, domain, job } = await start(t)
  const got = await octoStsAction(job, { domain, scope: 'acme/docs', identity: 'writer' })
  assert.ok('failed' in got)
  assert.equal(got.last.status, 403)
  assert.equal(got.last.body['code'], 7)
  assert.match(got.failed, /environment/)
  assert.match(got.failed, /\(au_[0-9a-z]{26}\)$/)
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter((entry) => entry.type === 'credential.refused')
  assert.equal(refused.length, 3)
  assert.ok(refused.every((entry) => entry.via === 'octo-sts' && entry.decision === 'no_grant'))
})

test('an identity is for its own scope alone, and for targets that are tokens of an app', async (t) => {
  const { site, domain, job } = await start(t)
  for (const [scope, identity] of [
    ['acme/shop', 'release'],
    ['other', 'release'],
    ['acme/docs', 'orders-api'],
  ] as const) {
    const got = await octoStsAction(job, { domain, scope, identity })
    assert.ok('failed' in got, `${scope} ${identity}`)
    assert.equal(got.last.status, 403)
    assert.match(got.failed, /^The target is unknown or not allowed \(au_/)
  }
  const owner = await octoStsAction(job, { domain, scope: 'ACME', identity: 'release' })
  assert.ok('token' in owner, JSON.stringify(owner))
  const { entries } = await exportedLog(site.config)
  const reasons = new Set(
    entries.filter(({ type }) => type === 'credential.refused').map(({ reason }) => reason),
  )
  assert.deepEqual(
    [...reasons],
    [
      'the target is not for the scope acme/shop',
      'the target is not for the scope other',
      'a target of kind token gives no token of a GitHub App',
    ],
  )
})

test('a token for our host is good at this door alone, and a token that one door spent is spent for all', async (t) => {
  const { site, broker, domain, github, job } = await start(t)
  const forHost = github.idTokenOf(job, domain)
  assert.equal((await exchange(broker.url, forHost)).status, 400)
  const path = `${broker.url}/sts/exchange?scope=acme/docs&identity=release`
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  assert.equal((await ask(path, bearer(forHost))).status, 200)
  assert.equal((await ask(path, bearer(forHost))).status, 401)
  const ours = github.idTokenOf(job, site.url)
  assert.equal((await exchange(broker.url, ours)).status, 200)
  assert.equal((await ask(path, bearer(ours))).status, 401)
  assert.equal((await ask(path, bearer(github.idTokenOf(job, `x${domain}`)))).status, 401)
  assert.equal((await ask(path, bearer(github.idTokenOf(job, 'octo-sts.dev')))).status, 401)
})

test('what could be read in two ways is refused before it costs the token', async (t) => {
  const { broker, site, github, job } = await start(t)
  const token = github.idTokenOf(job, site.url)
  const headers = { authorization: `Bearer ${token}` }
  const path = `${broker.url}/sts/exchange`
  const good = '?scope=acme/docs&identity=release'
  const post = (body: unknown) => ask(path, { headers, body: JSON.stringify(body) })
  const answers = [
    await ask(`${path}?scope=acme/docs&scope=acme/docs&identity=release`, { headers }),
    await ask(`${path}?scope=acme/docs&scopes=acme/shop&identity=release`, { headers }),
    await ask(`${path}?scope=acme/docs&identity=release&identity=writer`, { headers }),
    await ask(`${path}?scope=acme%2Fdocs%00&identity=release`, { headers }),
    await ask(`${path}?scope=acme/docs&identity=${'r'.repeat(200)}`, { headers }),
    await ask(`${path}?scope=acme/docs`, { headers }),
    await ask(path + good, { method: 'GET', headers: { ...headers, 'content-length': '2' }, body: '{}' }),
    await ask(`${path}${good}&cap=contents`, { headers }),
    await ask(path + good, { method: 'POST', headers, body: '{"identity":"release"}' }),
    await post({ scope: 'acme/docs', identity: 'release', cap: ['contents'] }),
    await post({ scopes: ['acme/docs', 'acme/shop'], identity: 'release' }),
    await post({ scope: ['acme/docs'], identity: 'release' }),
    await ask(path, { headers, body: '{"scope":"acme/docs","scope":"acme/docs","identity":"release"}' }),
    await post({ scope: 'acme/docs', identity: 'x'.repeat(20_000) }),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array(13).fill(400), 413],
  )
  for (const { body } of answers) assert.equal(body['code'], 3)
  assert.equal((await ask(path + good, { method: 'HEAD', headers })).status, 405)
  assert.equal((await ask(path + good, { headers: { authorization: 'Basic eDp5' } })).status, 401)
  assert.equal((await ask(`${broker.url}//sts/exchange${good}`, { headers })).status, 404)
  assert.equal((await ask(`${broker.url}/sts/%65xchange${good}`, { headers })).status, 404)
  // After all of that the token is as good as before.
  assert.equal((await post({ scope: 'acme/docs', scopes: ['acme/docs'], identity: 'release' })).status, 200)
})

test('without a word in the configuration there is no such door', async (t) => {
  const { broker, job, domain } = await start(t, '{}')
  assert.equal((await ask(`${broker.url}/sts/exchange?scope=acme/docs&identity=release`)).status, 404)
  assert.equal((await ask(`${broker.url}/`, { body: 'Action=GetCallerIdentity' })).status, 404)
  assert.ok('failed' in (await octoStsAction(job, { domain, scope: 'acme/docs', identity: 'release' })))
})
