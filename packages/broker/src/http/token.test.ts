import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodForm, goodToken, issued, listeningDoors, now, postForm } from '../../test/doors.ts'
import { Secret } from '../base/secret.ts'
import { jwtBearer } from './token.ts'

async function refusal(form: Record<string, string> | string, headers = {}) {
  await using doors = await listeningDoors()
  const response = await postForm(`${doors.url}/token`, form, headers)
  assert.equal(doors.requests.length, response.status === 200 ? 1 : doors.requests.length)
  const body = (await response.json()) as Record<string, string>
  return { status: response.status, error: body['error'], description: body['error_description'] ?? '' }
}

test('a token exchange answers as RFC 8693 2.2.1 says, and nobody may keep the answer', async () => {
  await using doors = await listeningDoors()
  const response = await postForm(`${doors.url}/token`, { ...goodForm, scope: 'orders.read' })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(response.headers.get('pragma'), 'no-cache')
  assert.deepEqual(await response.json(), {
    access_token: 'issued-access-token',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 900,
    scope: 'orders.read orders.write',
    lease_id: 'ls_1',
    target_kind: 'token',
    grants: ['shop'],
    expires_at: now + 900,
  })
  const [request] = doors.requests
  assert.equal(request?.via, 'token-exchange')
  assert.equal(request?.target, 'orders-api')
  assert.equal(request?.resource, undefined)
  assert.deepEqual(request?.scopes, ['orders.read'])
})

test('a credential of several parts comes as an object beside the lease token', async () => {
  const parts = { user: 'mayfly_1', password: new Secret('opened') }
  await using doors = await listeningDoors({
    exchange: async () => ({ ...issued, scopes: [], credential: { ...issued.credential, parts } }),
  })
  const body = (await (await postForm(`${doors.url}/token`, goodForm)).json()) as Record<string, unknown>
  assert.deepEqual(body['credential'], { user: 'mayfly_1', password: 'opened' })
  assert.equal('scope' in body, false)
})

test('the RFC 7523 grant reaches the same exchange and names a bad assertion invalid_grant', async () => {
  await using doors = await listeningDoors()
  const form = { grant_type: jwtBearer, assertion: goodToken, resource: 'https://orders.example.com/api' }
  assert.equal((await postForm(`${doors.url}/token`, form)).status, 200)
  assert.equal(doors.requests[0]?.via, 'jwt-bearer')
  assert.equal(doors.requests[0]?.resource, 'https://orders.example.com/api')
  const bad = await postForm(`${doors.url}/token`, { ...form, assertion: 'x.y.z' })
  assert.equal(bad.status, 400)
  assert.equal(((await bad.json()) as { error: string }).error, 'invalid_grant')
})

test('a subject token that is not accepted is invalid_request, with the id of its log entry', async () => {
  await using doors = await listeningDoors()
  const response = await postForm(`${doors.url}/token`, { ...goodForm, subject_token: 'x.y.z' })
  assert.equal(response.status, 400)
  assert.deepEqual(await response.json(), {
    error: 'invalid_request',
    error_description: 'The token was not accepted.',
    error_id: 'au_1',
  })
})

const cases: readonly [string, Record<string, string> | string, string][] = [
  ['no grant type', { audience: 'orders-api' }, 'invalid_request'],
  ['another grant type', { ...goodForm, grant_type: 'password' }, 'unsupported_grant_type'],
  ['no subject token', { ...goodForm, subject_token: '' }, 'invalid_request'],
  ['no subject token type', { ...goodForm, subject_token_type: '' }, 'invalid_request'],
  [
    'a refresh token as subject',
    { ...goodForm, subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    'invalid_request',
  ],
  ['an actor token', { ...goodForm, actor_token: 'x' }, 'invalid_request'],
  ['an actor token type alone', { ...goodForm, actor_token_type: 'x' }, 'invalid_request'],
  [
    'an answer type that we do not make',
    { ...goodForm, requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
    'invalid_request',
  ],
  ['no target', { ...goodForm, audience: '' }, 'invalid_request'],
  ['a target and another resource', { ...goodForm, resource: 'https://other.example' }, 'invalid_target'],
  ['a resource that is no URI', { ...goodForm, audience: '', resource: 'orders' }, 'invalid_target'],
  [
    'a resource with a fragment',
    { ...goodForm, audience: '', resource: 'https://orders.example/#a' },
    'invalid_target',
  ],
  ['two targets', `${new URLSearchParams(goodForm)}&audience=other-api`, 'invalid_target'],
  ['a scope with a quote', { ...goodForm, scope: 'a"b' }, 'invalid_request'],
  ['a scope with two spaces', { ...goodForm, scope: 'a  b' }, 'invalid_request'],
]
for (const [what, form, error] of cases) {
  test(`${what} is ${error}`, async () => {
    const answer = await refusal(form)
    assert.equal(answer.status, 400)
    assert.equal(answer.error, error)
  })
}

test('the same target named twice is one target, and a scope named twice is one scope', async () => {
  await using doors = await listeningDoors()
  const twice = `${new URLSearchParams({ ...goodForm, scope: 'a b a' })}&audience=orders-api`
  assert.equal((await postForm(`${doors.url}/token`, twice)).status, 200)
  assert.equal(doors.requests[0]?.target, 'orders-api')
  assert.deepEqual(doors.requests[0]?.scopes, ['a', 'b'])
})

test("the default scope of Google's library asks for nothing, beside another it counts", async () => {
  await using doors = await listeningDoors()
  const scope = 'https://www.googleapis.com/auth/cloud-platform'
  await postForm(`${doors.url}/token`, { ...goodForm, scope, options: '{"userProject":"p"}' })
  await postForm(`${doors.url}/token`, { ...goodForm, scope: `${scope} a` })
  assert.equal(doors.requests[0]?.scopes, undefined)
  assert.deepEqual(doors.requests[1]?.scopes, [scope, 'a'])
})

test('client credentials are refused rather than ignored', async () => {
  const basic = { Authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }
  await using doors = await listeningDoors()
  const response = await postForm(`${doors.url}/token`, goodForm, basic)
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate') ?? '', /^Basic /)
  assert.equal((await refusal({ ...goodForm, client_secret: 'x' })).error, 'invalid_client')
  assert.equal((await refusal({ ...goodForm, client_assertion: 'x' })).error, 'invalid_client')
  assert.equal((await postForm(`${doors.url}/token`, { ...goodForm, client_id: 'ci' })).status, 200)
})
