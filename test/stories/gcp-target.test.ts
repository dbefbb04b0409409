/** A job gets a token of a service account of Google Cloud from a broker that holds no key of it. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { ExternalAccountClient } from 'google-auth-library'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { gcpFor } from '../fakes/gcp.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, askForm, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  images: { tier: staging, access: write, gcp_service_account: "push-{repo.id}@acme-images.iam.gserviceaccount.com" }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [images, orders-api, orders-api-staging], for: 15m }
`

const account = 'push-40211@acme-images.iam.gserviceaccount.com'
const audience =
  '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/jobs/providers/mayfly'

interface Jwk {
  readonly kid: string
  readonly kty: string
}

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const keys = new Map<string, Jwk>()
  const key = (kid: string) => {
    const jwk = keys.get(kid)
    return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
  }
  const gcp = await gcpFor(t, { now: Date.now, audience, issuer: site.url, key, accounts: [account] })
  const connection = `{ audience: "${audience}", sts: "${gcp.url}", iamcredentials: "${gcp.url}" }`
  appendFileSync(site.config, `connections: { gcp: { main: ${connection} } }\n${dialects}`)
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const jwk of body['keys'] as readonly Jwk[]) keys.set(jwk.kid, jwk)
  return { github, site, gcp, broker, job: github.job(pushJob('staging')) }
}

test('a token of the one service account, whose lease can be looked at and ended', async (t) => {
  const { github, site, gcp, broker, job } = await start(t)
  const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'images' })
  assert.equal(answer.status, 200, answer.text)
  const credential = answer.body['credential'] as Readonly<Record<string, string>>
  assert.equal(gcp.accountOf(String(credential['access_token'])), account)
  assert.equal(gcp.tokens[0]?.['lease'], answer.body['lease_id'])
  const lease = String(answer.body['access_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
  assert.ok(broker.lines.every((line) => !line.includes(String(credential['access_token']))))
})

const clientAudience =
  '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/github'
const dialects = `dialects: { google: { audiences: { "${clientAudience}": images } } }\n`

test("Google's auth library gets the account's own token when its token_url is changed", async (t) => {
  const { site, gcp, broker, job } = await start(t)
  const client = (scopes?: string[]) => {
    const made = ExternalAccountClient.fromJSON({
      type: 'external_account',
      audience: clientAudience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${broker.url}/v1/token`,
      credential_source: {
        url: `${job.requestUrl}&audience=${encodeURIComponent(site.url)}`,
        headers: { Authorization: `Bearer ${job.requestToken}` },
        format: { type: 'json', subject_token_field_name: 'value' },
      },
      ...(scopes === undefined ? {} : { scopes }),
    })
    assert.ok(made !== null)
    return made
  }
  const { token } = await client().getAccessToken()
  assert.equal(gcp.accountOf(String(token)), account)
  const reads = client()
  reads.scopes = ['https://www.googleapis.com/auth/devstorage.read_only']
  await assert.rejects(reads.getAccessToken(), /invalid_target/)
  const { entries } = await exportedLog(site.config)
  const told = entries.filter(({ type }) => /^credential\.(issued|refused)$/.test(type))
  assert.deepEqual(
    told.map(({ via, target, reason }) => [via, target, reason]),
    [
      ['google-sts', 'images', undefined],
      [
        ...['google-sts', 'images'],
        'its token has the scope https://www.googleapis.com/auth/cloud-platform, which was not asked for',
      ],
    ],
  )
})

test('what would mean another project, or another target, is refused at that door', async (t) => {
  const { github, site, broker, job } = await start(t)
  const post = (more: Readonly<Record<string, string>>) =>
    askForm(`${broker.url}/v1/token`, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: github.idTokenOf(job, site.url),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience: clientAudience,
      ...more,
    })
  const answers = [
    await post({ options: '{"userProject":"other"}' }),
    await post({ audience: 'orders-api' }),
    await post({ audience: `${clientAudience}x` }),
    await post({ grant_type: 'client_credentials' }),
    await post({ client_secret: 'x' }),
  ]
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body['error']]),
    [
      [400, 'invalid_request'],
      [400, 'invalid_target'],
      [400, 'invalid_target'],
      [400, 'unsupported_grant_type'],
      [401, 'invalid_client'],
    ],
  )
  assert.equal((await post({})).status, 200)
})
