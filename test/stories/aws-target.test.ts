/** A job gets keys of an AWS role from a broker that holds none: AWS trusts the broker's tokens, one role and one lease each. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { stsFor } from '../fakes/aws-sts.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  deploy: { tier: staging, access: admin, max: 30m, aws_role: "arn:aws:iam::111122223333:role/deploy-{repo.id}" }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [deploy, orders-api, orders-api-staging], for: 15m }
`

interface Jwk {
  readonly kid: string
  readonly kty: string
  readonly alg: string
}

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const keys = new Map<string, Jwk>()
  const sts = await stsFor(t, {
    now: Date.now,
    region: 'eu-central-1',
    roles: ['arn:aws:iam::111122223333:role/deploy-40211'],
    provider: {
      issuer: site.url,
      key: (kid) => {
        const jwk = keys.get(kid)
        return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
      },
    },
  })
  const connection = `{ mode: web_identity, region: eu-central-1, sts: "${sts.url}" }`
  appendFileSync(site.config, `connections: { aws: { main: ${connection} } }\n`)
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const key of body['keys'] as readonly Jwk[]) keys.set(key.kid, key)
  const job = github.job(pushJob('staging'))
  const get = () => exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'deploy' })
  return { site, broker, sts, keys, get }
}

test("keys of a role, tagged with the lease, work in AWS's own client", async (t) => {
  const { broker, sts, keys, get } = await start(t)
  assert.deepEqual([...keys.values()].map(({ alg }) => alg).toSorted(), ['ES256', 'RS256'])
  const answer = await get()
  assert.equal(answer.status, 200, answer.text)
  const credential = answer.body['credential'] as Readonly<Record<string, string>>
  const client = new STSClient({
    region: String(credential['region']),
    endpoint: sts.url,
    credentials: {
      accessKeyId: String(credential['access_key_id']),
      secretAccessKey: String(credential['secret_access_key']),
      sessionToken: String(credential['session_token']),
    },
  })
  const { Arn: arn } = await client.send(new GetCallerIdentityCommand({}))
  client.destroy()
  assert.equal(arn, `arn:aws:sts::111122223333:assumed-role/deploy-40211/${answer.body['lease_id']}`)
  const lease = String(answer.body['access_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
})

test("a cloud's token opens none of our doors, and a lease's token no API", async (t) => {
  const { site, broker, sts, get } = await start(t)
  const answer = await get()
  const [form] = sts.sessions
  const federated = form?.['WebIdentityToken'] ?? ''
  assert.ok(federated.length > 100)
  assert.deepEqual((await introspect(broker.url, federated)).body, { active: false })
  const server = { name: 'orders', secret: site.secrets.orders }
  assert.deepEqual((await introspect(broker.url, federated, server)).body, { active: false })
  const lease = String(answer.body['access_token'])
  assert.deepEqual((await introspect(broker.url, lease, server)).body, { active: false })
  assert.equal((await exchange(broker.url, federated)).status, 400)
  assert.equal((await exchange(broker.url, lease)).status, 400)
})
