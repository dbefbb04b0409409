/** The libraries that people really use, against our doors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdentityPoolClient } from 'google-auth-library'
import * as oidc from 'openid-client'
import { goodForm, goodToken, listeningDoors } from '../../test/doors.ts'
import { Failure } from '../base/failure.ts'
import { jwtBearer, tokenExchange } from './token.ts'

/** openid-client, told of our doors as discovery would tell it. */
function configuration(url: string, auth?: oidc.ClientAuth): oidc.Configuration {
  const server = {
    issuer: url,
    token_endpoint: `${url}/token`,
    introspection_endpoint: `${url}/introspect`,
    revocation_endpoint: `${url}/revoke`,
  }
  const config = new oidc.Configuration(server, 'orders', undefined, auth ?? oidc.None())
  oidc.allowInsecureRequests(config)
  return config
}

test('openid-client exchanges a token, with both grants', async () => {
  await using doors = await listeningDoors()
  const config = configuration(doors.url)
  const { grant_type: _, ...parameters } = goodForm
  const answer = await oidc.genericGrantRequest(config, tokenExchange, parameters)
  assert.equal(answer.access_token, 'issued-access-token')
  assert.equal(answer.expires_in, 900)
  const other = await oidc.genericGrantRequest(config, jwtBearer, {
    assertion: goodToken,
    audience: 'orders-api',
  })
  assert.equal(other['lease_id'], 'ls_1')
})

test('openid-client reads a refusal', async () => {
  await using doors = await listeningDoors({
    exchange: () => Promise.reject(new Failure('target_refused', { detail: 'No "such" target' })),
  })
  const { grant_type: _, ...parameters } = goodForm
  await assert.rejects(oidc.genericGrantRequest(configuration(doors.url), tokenExchange, parameters), {
    error: 'invalid_target',
    error_description: "No 'such' target",
    status: 400,
  })
})

test('openid-client introspects with the secret of a resource server, and revokes', async () => {
  await using doors = await listeningDoors({ introspect: async () => ({ active: true, sub: 'job' }) })
  const auth = oidc.ClientSecretBasic('orders-secret+/with%41=')
  const answer = await oidc.tokenIntrospection(configuration(doors.url, auth), 'a.b.c')
  assert.equal(answer.active, true)
  await oidc.tokenRevocation(configuration(doors.url), 'a.b.c')
  const wrong = configuration(doors.url, oidc.ClientSecretBasic('wrong'))
  await assert.rejects(oidc.tokenIntrospection(wrong, 'a.b.c'), oidc.WWWAuthenticateChallengeError)
})

test("Google's auth library gets a token, with the scope that it sends by itself and with others", async () => {
  await using doors = await listeningDoors()
  const options = {
    type: 'external_account',
    audience: 'orders-api',
    subject_token_type: goodForm.subject_token_type,
    token_url: `${doors.url}/token`,
    subject_token_supplier: { getSubjectToken: async () => goodToken },
  } as const
  const client = new IdentityPoolClient(options)
  assert.equal((await client.getAccessToken()).token, 'issued-access-token')
  const scoped = new IdentityPoolClient(options)
  scoped.scopes = ['orders.read']
  await scoped.getAccessToken()
  assert.deepEqual(
    doors.requests.map((request) => request.scopes),
    [undefined, ['orders.read']],
  )
})
