/** A job gets a token of a service account of Google Cloud from a broker that holds no key of it. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { gcpFor } from '../fakes/gcp.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, exchange, introspect } from '../fakes/requests.ts'
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

test('a token of the one service account, whose lease can be looked at and ended', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const keys = new Map<string, Jwk>()
  const key = (kid: string) => {
    const jwk = keys.get(kid)
    return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
  }
  const gcp = await gcpFor(t, { now: Date.now, audience, issuer: site.url, key, accounts: [account] })
  const connection = `{ audience: "${audience}", sts: "${gcp.url}", iamcredentials: "${gcp.url}" }`
  appendFileSync(site.config, `connections: { gcp: { main: ${connection} } }\n`)
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const jwk of body['keys'] as readonly Jwk[]) keys.set(jwk.kid, jwk)

  const job = github.job(pushJob('staging'))
  const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'images' })
  assert.equal(answer.status, 200, answer.text)
  const credential = answer.body['credential'] as Readonly<Record<string, string>>
  assert.equal(gcp.accountOf(String(credential['access_token'])), account)
  assert.equal(gcp.tokens[0]?.['lease'], answer.body['lease_id'])
  const lease = String(answer.body['access_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
  assert.ok(broker.lines.every((line) => !line.includes(String(credential['access_token']))))
})
