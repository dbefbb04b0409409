/** A job gets a token of an application of Entra from a broker that holds no client secret. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { entraFor } from '../fakes/entra.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const tenant = '11111111-2222-3333-4444-555555555555'
const client = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  cloud: { tier: staging, access: admin, azure: { client: ${client}, scope: "https://management.azure.com/.default" } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [cloud, orders-api, orders-api-staging], for: 15m }
`

interface Jwk {
  readonly kid: string
  readonly kty: string
}

test('a token of the application that trusts the workload; the lease is shorter, and what Entra says of its limits is handed on', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const keys = new Map<string, Jwk>()
  const entra = await entraFor(t, {
    now: Date.now,
    tenant,
    key: (kid) => {
      const jwk = keys.get(kid)
      return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
    },
    applications: {
      [client]: [{ issuer: site.url, subject: 'github:repository_id:40211:environment:staging' }],
    },
  })
  appendFileSync(
    site.config,
    `connections: { azure: { acme: { tenant: ${tenant}, authority: "${entra.url}" } } }\n`,
  )
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const jwk of body['keys'] as readonly Jwk[]) keys.set(jwk.kid, jwk)

  const job = github.job(pushJob('staging'))
  const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'cloud' })
  assert.equal(answer.status, 200, answer.text)
  const credential = answer.body['credential'] as Readonly<Record<string, string>>
  assert.equal(entra.holderOf(String(credential['access_token']))?.client, client)
  assert.ok(Number(answer.body['expires_in']) <= 900)
  const lease = String(answer.body['access_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)

  entra.answerNext(429, '{"error":"too_many_requests"}', { 'retry-after': '23' })
  const again = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'cloud' })
  assert.deepEqual([again.status, again.headers['retry-after']], [503, '23'])
})
