/** A job gets a token of a service account of Kubernetes, which ends with its lease: through a running broker. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AuthenticationV1Api, KubeConfig } from '@kubernetes/client-node'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { githubFor } from '../fakes/github.ts'
import { kubernetesFor } from '../fakes/kubernetes.ts'
import { exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  cluster: { tier: staging, access: admin, kubernetes: { cluster: main, namespace: "shop-{environment}", service_account: deployer } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [cluster, orders-api, orders-api-staging], for: 15m }
`

/** Who the published client of Kubernetes is with what the job was given, and nothing else. */
async function whoAmI(credential: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { server = '', token = '', certificate_authority: ca = '' } = credential
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'main', server, caData: Buffer.from(ca).toString('base64'), skipTLSVerify: false },
    { name: 'job', token },
  )
  const { status } = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} })
  return status?.userInfo?.username
}

test('the token works in the namespace of the job, and no more once its lease is ended', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const token = randomBytes(40).toString('base64url')
  const cluster = await kubernetesFor(t, {
    now: Date.now,
    broker: token,
    accounts: ['shop-staging/deployer'],
  })
  appendFileSync(join(site.folder, 'cluster-token'), `${token}\n`)
  appendFileSync(join(site.folder, 'cluster-ca.pem'), cluster.ca)
  const files = { ca: { file: './cluster-ca.pem' }, token: { file: './cluster-token' } }
  const connections = { kubernetes: { main: { server: cluster.url, ...files } } }
  appendFileSync(site.config, `connections: ${JSON.stringify(connections)}\n`)
  const broker = await runBroker(t, site.config)

  const job = github.job(pushJob('staging'))
  const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'cluster' })
  assert.equal(answer.status, 200, answer.text)
  const credential = answer.body['credential'] as Readonly<Record<string, string>>
  const given = String(credential['token'])
  assert.equal(cluster.userOf(given), 'system:serviceaccount:shop-staging:deployer')
  assert.equal(credential['certificate_authority']?.trim(), cluster.ca.trim())
  assert.equal(await whoAmI(credential), 'system:serviceaccount:shop-staging:deployer')

  const lease = String(answer.body['access_token'])
  assert.equal((await introspect(broker.url, lease)).body['active'], true)
  assert.equal((await revoke(broker.url, lease)).status, 200)
  assert.equal(cluster.userOf(given), undefined)
  await assert.rejects(whoAmI(credential), /401/)
  assert.deepEqual(cluster.secrets(), [])
  assert.ok(broker.lines.every((line) => !line.includes(given) && !line.includes(token)))
})
