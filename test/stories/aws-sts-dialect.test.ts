/** Clients of AWS STS get keys of a role by changing the endpoint: AWS's own SDK, and its action as far as it is recorded. */
import assert from 'node:assert/strict'
import { createPublicKey, type webcrypto } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { fromTokenFile, fromWebToken } from '@aws-sdk/credential-provider-web-identity'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { stsFor } from '../fakes/aws-sts.ts'
import { configureAwsCredentials } from '../fakes/configure-aws-credentials.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, askForm, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const account = 'arn:aws:iam::111122223333:role'
const deploy = `${account}/ci/deploy`
const region = 'eu-central-1'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  deploy: { tier: staging, access: admin, max: 30m, aws_role: "${deploy}" }
  own: { tier: staging, access: admin, max: 30m, aws_role: "${account}/of-{repo.id}" }
  live: { tier: production, access: admin, max: 30m, aws_role: "${account}/live" }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [deploy, own, orders-api, orders-api-staging], for: 15m }
  - { name: ship, who: { repo: acme/shop, branch: main, environment: production }, get: live, for: 15m }
`

async function start(t: TestContext, dialects = '{ aws_sts: {} }') {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const keys = new Map<string, webcrypto.JsonWebKey>()
  const sts = await stsFor(t, {
    now: Date.now,
    region,
    roles: [deploy, `${account}/of-40211`],
    provider: {
      issuer: site.url,
      key: (kid) => {
        const key = keys.get(kid)
        return key === undefined ? undefined : createPublicKey({ key, format: 'jwk' })
      },
    },
  })
  const connection = `{ mode: web_identity, region: ${region}, sts: "${sts.url}" }`
  appendFileSync(site.config, `connections: { aws: { main: ${connection} } }\ndialects: ${dialects}\n`)
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const key of body['keys'] as readonly (webcrypto.JsonWebKey & { kid: string })[])
    keys.set(key.kid, key)
  const job = github.job(pushJob('staging'))
  return { site, broker, sts, github, job, token: () => github.idTokenOf(job, site.url) }
}

type Started = Awaited<ReturnType<typeof start>>

const client = (endpoint: string) => ({ endpoint, region, maxAttempts: 1 })

function formOf(token: string, more: Readonly<Record<string, string>> = {}) {
  return {
    ...{ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: deploy },
    ...{ RoleSessionName: 'GitHubActions', WebIdentityToken: token },
    ...more,
  }
}

const viaOf = async ({ site }: Pick<Started, 'site'>, type: string) =>
  (await exportedLog(site.config)).entries.filter((entry) => entry.type === type)

test("the SDK's providers get keys that AWS takes, from a token and from a file of one", async (t) => {
  const started = await start(t)
  const { broker, site, sts, token } = started
  const file = join(site.folder, 'token')
  writeFileSync(file, token())
  const clientConfig = client(broker.url)
  const providers = [
    fromWebToken({ roleArn: deploy, webIdentityToken: token(), clientConfig }),
    fromTokenFile({ roleArn: `${account}/of-40211`, webIdentityTokenFile: file, clientConfig }),
  ]
  for (const provider of providers) {
    const keys = await provider()
    assert.ok(keys.expiration !== undefined && keys.expiration.getTime() > Date.now())
    // At AWS itself, and at the endpoint that the keys came from.
    for (const endpoint of [sts.url, broker.url]) {
      const asking = new STSClient({ ...client(endpoint), credentials: keys })
      const { Arn: arn, Account: id } = await asking.send(new GetCallerIdentityCommand({}))
      asking.destroy()
      assert.match(String(arn), /^arn:aws:sts::111122223333:assumed-role\/.*\/ls_[0-9a-z]{26}$/)
      assert.equal(id, '111122223333')
    }
  }
  const issued = await viaOf(started, 'credential.issued')
  assert.deepEqual(
    issued.map(({ via, target }) => [via, target]),
    [
      ['aws-sts', 'deploy'],
      ['aws-sts', 'own'],
    ],
  )
})

test("AWS's action works by its input sts-endpoint: it gets keys, and knows who it is", async (t) => {
  const { broker, site, job } = await start(t)
  const done = await configureAwsCredentials(job, {
    ...{ audience: site.url, stsEndpoint: broker.url, region, roleToAssume: deploy },
  })
  assert.equal(done.accountId, '111122223333')
  assert.match(done.env['AWS_ACCESS_KEY_ID'] ?? '', /^ASIA/)
})

test('refusals are those of AWS: the code that SDKs read, a message for people, an entry with the dialect', async (t) => {
  const started = await start(t)
  const { broker, token } = started
  const get = (webIdentityToken: string, roleArn: string) =>
    fromWebToken({ roleArn, webIdentityToken, clientConfig: client(broker.url) })()
  await assert.rejects(get(token(), `${account}/live`), {
    name: 'AccessDenied',
    message: /environment.*\(au_[0-9a-z]{26}\)$/,
    $fault: 'client',
  })
  const once = token()
  await get(once, deploy)
  await assert.rejects(get(once, deploy), {
    name: 'InvalidIdentityTokenException',
    message: /^The token was not accepted \(au_/,
  })
  await assert.rejects(get(token(), `${account}/nobody`), { name: 'AccessDenied' })
  await assert.rejects(get(token(), `${account}/of-40212`), { name: 'AccessDenied' })
  await assert.rejects(get('no.token.atall', deploy), { name: 'InvalidIdentityTokenException' })
  const refused = await viaOf(started, 'credential.refused')
  assert.deepEqual(
    refused.map(({ via, code, target }) => `${via} ${code} ${target}`),
    [
      'aws-sts target_refused live',
      'aws-sts subject_token_invalid deploy',
      `aws-sts target_refused ${account}/nobody`,
      'aws-sts target_refused own',
      'aws-sts subject_token_invalid deploy',
    ],
  )
  assert.match(String(refused[3]?.reason), /another role than the one/)
})

test('what would give more than was asked for, or could be read in two ways, is refused', async (t) => {
  const { broker, token } = await start(t)
  const good = token()
  const url = `${broker.url}/`
  const pair = (form: Readonly<Record<string, string>>) => new URLSearchParams(form).toString()
  const formType = { 'content-type': 'application/x-www-form-urlencoded' }
  const bad = [
    await askForm(url, formOf(good, { Policy: '{}' })),
    await askForm(url, formOf(good, { 'PolicyArns.member.2.arn': 'arn:aws:iam::aws:policy/ReadOnlyAccess' })),
    await askForm(url, formOf(good, { ProviderId: 'www.amazon.com' })),
    await askForm(url, formOf(good, { RoleSessionName: 'a<b>' })),
    await askForm(url, formOf(good, { RoleArn: `${deploy}\n` })),
    await askForm(url, formOf(good, { DurationSeconds: '1e3' })),
    await askForm(url, formOf(good, { Version: '2010-05-08' })),
    await askForm(`${url}?Action=AssumeRoleWithWebIdentity`, formOf(good)),
    await ask(url, { headers: formType, body: `${pair(formOf(good))}&RoleArn=${deploy}` }),
    await ask(url, { headers: formType, body: pair(formOf('x'.repeat(20_000))) }),
    await ask(url, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(formOf(good)) }),
    await askForm(url, formOf('')),
  ]
  for (const { status, text } of bad) {
    assert.equal(status, 400, text)
    assert.match(
      text,
      /^<ErrorResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/"><Error><Type>Sender<\/Type><Code>ValidationError</,
    )
  }
  const other = await askForm(url, { ...formOf(good), Action: 'AssumeRole' })
  assert.match(other.text, /<Code>InvalidAction</)
  assert.equal((await ask(url)).status, 405)
  assert.match((await askForm(url, formOf(good))).text, /<AccessKeyId>ASIA/)
  assert.equal((await exchange(broker.url, good)).status, 400)
})

test('nobody is told whose keys they are but who signs with them, to the letter', async (t) => {
  const { broker, token } = await start(t)
  const keys = await fromWebToken({
    roleArn: deploy,
    webIdentityToken: token(),
    clientConfig: client(broker.url),
  })()
  const asking = (credentials: typeof keys) => {
    const sts = new STSClient({ ...client(broker.url), credentials })
    return sts.send(new GetCallerIdentityCommand({})).finally(() => sts.destroy())
  }
  assert.ok((await asking(keys)).Arn)
  const wrong = { name: 'InvalidClientTokenId' }
  await assert.rejects(asking({ ...keys, secretAccessKey: 'a'.repeat(40) }), wrong)
  await assert.rejects(asking({ ...keys, sessionToken: `${keys.sessionToken}A` }), wrong)
  await assert.rejects(asking({ ...keys, accessKeyId: 'ASIAAAAAAAAAAAAAAAAA' }), wrong)
  const unsigned = await askForm(`${broker.url}/`, { Action: 'GetCallerIdentity', Version: '2011-06-15' })
  assert.equal(unsigned.status, 403)
  assert.match(unsigned.text, /<Code>InvalidClientTokenId</)
})

test('two targets of one role need a word about which of them the role means', async (t) => {
  const started = await start(t)
  const { site } = started
  const twice = policy.replace(
    '  live:',
    `  read: { tier: staging, access: read, max: 30m, aws_role: { role: "${deploy}", session_policy: {} } }\n  live:`,
  )
  const other = await makeSite(t, { issuers: { github: 'http://127.0.0.1:1' }, policy: twice })
  const connections = `connections: { aws: { main: { mode: web_identity, region: ${region} } } }\n`
  appendFileSync(other.config, `${connections}dialects: { aws_sts: {} }\n`)
  await assert.rejects(runBroker(t, other.config), /`dialects\.aws_sts\.roles`/)
  const known = await makeSite(t, { issuers: { github: 'http://127.0.0.1:1' }, policy: twice })
  appendFileSync(known.config, `${connections}dialects: { aws_sts: { roles: { "${deploy}": read } } }\n`)
  await runBroker(t, known.config)
  assert.notEqual(site.folder, known.folder)
})
