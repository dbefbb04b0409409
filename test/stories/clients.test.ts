/** Libraries that people really use, unmodified, against a whole running broker. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ExternalAccountClient } from 'google-auth-library'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { githubFor } from '../fakes/github.ts'
import { accessToken, exchange } from '../fakes/requests.ts'
import { type RunningBroker, runBroker } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const idToken = 'urn:ietf:params:oauth:token-type:id_token'
const orders = 'https://orders.acme.example'

async function start(t: TestContext): Promise<{ github: Github; site: Site; broker: RunningBroker }> {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  return { github, site, broker: await runBroker(t, site.config) }
}

/** A third party that knows nothing but the broker's URL. */
async function verifyFromDiscovery(url: string, token: string) {
  const response = await fetch(`${url}/.well-known/openid-configuration`)
  const { issuer, jwks_uri: keys } = (await response.json()) as { issuer: string; jwks_uri: string }
  assert.equal(issuer, url)
  return jwtVerify(token, createRemoteJWKSet(new URL(keys)), {
    issuer,
    audience: orders,
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
  })
}

test("Google's auth library, with its file of an external account, gets tokens and new ones when they end", async (t) => {
  const { github, site } = await start(t)
  const job = github.job(pushJob('production'))
  const client = ExternalAccountClient.fromJSON({
    type: 'external_account',
    audience: 'orders-api',
    subject_token_type: idToken,
    token_url: `${site.url}/token`,
    credential_source: {
      url: `${job.requestUrl}&audience=${encodeURIComponent(site.url)}`,
      headers: { Authorization: `Bearer ${job.requestToken}` },
      format: { type: 'json', subject_token_field_name: 'value' },
    },
  })
  assert.ok(client !== null)
  const { token } = await client.getAccessToken()
  const { payload } = await verifyFromDiscovery(site.url, String(token))
  assert.equal(payload['check_run_id'], job.claims['check_run_id'])
  const headers = await client.getRequestHeaders()
  assert.equal(headers.get('authorization'), `Bearer ${token}`)
  // What it does when a token has ended: a new subject token, never the spent one.
  client.setCredentials({ access_token: String(token), expiry_date: Date.now() - 1 })
  const { token: next } = await client.getAccessToken()
  assert.notEqual(decodeJwt(String(next)).jti, payload.jti)
})

test('openid-client finds everything by discovery: exchange, refusal, introspection, revocation', async (t) => {
  const { github, site } = await start(t)
  const config = await oidc.discovery(new URL(site.url), 'anybody', undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  })
  const ask = (environment: string) =>
    oidc.genericGrantRequest(config, tokenExchange, {
      subject_token: github.idToken({ ...pushJob(environment), aud: site.url }),
      subject_token_type: idToken,
      audience: 'orders-api',
      scope: 'orders:read',
    })
  const answer = await ask('production')
  assert.equal(answer.scope, 'orders:read')
  assert.equal(answer['issued_token_type'], 'urn:ietf:params:oauth:token-type:access_token')
  assert.equal(answer.expires_in, 600)
  const { payload } = await verifyFromDiscovery(site.url, answer.access_token)
  assert.equal(payload['scope'], 'orders:read')
  await assert.rejects(ask('staging'), { error: 'invalid_target', status: 400 })

  const server = new oidc.Configuration(
    config.serverMetadata(),
    'orders',
    undefined,
    oidc.ClientSecretBasic(site.secrets.orders),
  )
  oidc.allowInsecureRequests(server)
  const active = await oidc.tokenIntrospection(server, answer.access_token)
  assert.equal(active.active, true)
  assert.equal(active.jti, payload.jti)
  await oidc.tokenRevocation(config, answer.access_token)
  assert.deepEqual(await oidc.tokenIntrospection(server, answer.access_token), { active: false })
})

test('jose verifies our tokens from discovery alone, and refuses them where they do not belong', async (t) => {
  const { github, site, broker } = await start(t)
  const token = accessToken(
    await exchange(broker.url, github.idToken({ ...pushJob('production'), aud: site.url })),
  )
  const { payload, protectedHeader } = await verifyFromDiscovery(site.url, token)
  assert.equal(payload.iss, site.url)
  assert.equal(payload.aud, orders)
  assert.equal(protectedHeader.alg, 'ES256')
  assert.equal(protectedHeader.typ, 'at+jwt')
  const keys = createRemoteJWKSet(new URL(`${site.url}/.well-known/jwks.json`))
  await assert.rejects(jwtVerify(token, keys, { audience: 'https://other.example' }), {
    code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  })
  const middle = Math.floor(token.length - 40)
  const forged = token.slice(0, middle) + (token[middle] === 'A' ? 'B' : 'A') + token.slice(middle + 1)
  await assert.rejects(jwtVerify(forged, keys), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
})
