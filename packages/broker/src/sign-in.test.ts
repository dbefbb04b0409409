import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from './base/secret.ts'
import { openSeal } from './issue/seal.ts'
import { openProvider, type ProviderParts } from './provider.ts'
import { openSignIn } from './sign-in.ts'

const issuer = 'https://login.example'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/authorize?tenant=1`,
  token_endpoint: `${issuer}/token`,
  authorization_response_iss_parameter_supported: true,
}

function provider(over: object, more: Partial<ProviderParts> = {}) {
  return openProvider({
    ...{ issuer, scopes: ['openid', 'email'], acrValues: ['mfa'], clientId: 'a b', now: () => 0 },
    clientSecret: new Secret('s:%'),
    fetchDocument: async () => ({ ...document, ...over }),
    post: async () => ({ status: 200, text: '{"id_token":"t"}' }),
    ...more,
  })
}

test('addresses of another origin, or of another issuer, are never asked', async () => {
  for (const over of [
    { issuer: 'https://other.example' },
    { token_endpoint: 'https://other.example/token' },
    { token_endpoint: 'http://login.example/token' },
    { token_endpoint: 'https://login.example@other.example/token' },
    { authorization_endpoint: 'https://login.example.other.example/' },
    { end_session_endpoint: 'javascript:alert(1)' },
    { token_endpoint: undefined },
  ])
    await assert.rejects(
      provider(over).authorization({}),
      { code: 'provider_unavailable' },
      JSON.stringify(over),
    )
})

test('a request says what it has to, and keeps what the address had', async () => {
  const url = new URL(await provider({}).authorization({ client_id: 'a b', state: 'x' }))
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    ...{ tenant: '1', response_type: 'code', client_id: 'a b', state: 'x' },
    ...{ code_challenge_method: 'S256', scope: 'openid email', acr_values: 'mfa' },
  })
})

test('a code is redeemed with the secret in the header; what is refused, silent or strange is a failure', async () => {
  const sent: unknown[] = []
  const answers = [
    { status: 200, text: '{"id_token":"t"}' },
    { status: 400, text: '{"error":"invalid_grant"}' },
    { status: 200, text: '{}' },
    { status: 200, text: 'no JSON' },
  ]
  const asked = provider(
    {},
    {
      post: async (url, headers, body) => {
        sent.push([url.href, headers, body])
        return answers.shift() ?? Promise.reject(new Error('away'))
      },
    },
  )
  assert.equal(await asked.redeem({ code: 'c' }), 't')
  assert.deepEqual(sent, [
    [
      `${issuer}/token`,
      { authorization: `Basic ${Buffer.from('a+b:s%3A%25').toString('base64')}` },
      'grant_type=authorization_code&code=c',
    ],
  ])
  for (let round = 0; round < 3; round++)
    await assert.rejects(asked.redeem({ code: 'c' }), { code: 'subject_token_invalid' })
  await assert.rejects(asked.redeem({ code: 'c' }), { code: 'provider_unavailable' })
})

test('whoever takes longer than ten minutes, or comes to another route, begins again; a foreign nonce is no sign-in', async () => {
  let now = 1_800_000_000_000
  const tools = { now: () => now, randomBytes }
  const seal = openSeal(new Secret(randomBytes(32).toString('base64')), tools)
  const idToken = (nonce: string) =>
    ['{}', JSON.stringify({ nonce }), ''].map((part) => Buffer.from(part).toString('base64url')).join('.')
  let nonce = ''
  const never = async () => assert.fail('it must not come so far')
  const open = (route: string) =>
    openSignIn({
      ...{
        route,
        target: 'console',
        issuer: 'people',
        origin: 'https://console.example',
        broker: 'https://mayfly.example',
        clientId: 'c',
        seal,
        tools,
      },
      provider: provider(
        {},
        { post: async () => ({ status: 200, text: JSON.stringify({ id_token: idToken(nonce) }) }) },
      ),
      ...{ exchange: never, verify: never, commit: never, active: never, endLease: never, endJob: never },
      claimsOf: never,
      strongerFor: () => [],
      spend: () => assert.fail('nor so'),
    })
  const signIn = open('console')
  const { location, kept } = await signIn.begin('/x')
  const asked = new URL(location).searchParams
  nonce = 'another'
  const answer = new URLSearchParams({ state: asked.get('state') ?? '', code: 'c', iss: issuer })
  await assert.rejects(signIn.finish(answer, kept), { reason: 'the ID token has another nonce' })
  nonce = asked.get('nonce') ?? ''
  await assert.rejects(signIn.finish(answer, kept), /it must not come so far/)
  await assert.rejects(open('other').finish(answer, kept), { code: 'request_malformed' })
  now += 600_000
  await assert.rejects(signIn.finish(answer, kept), { reason: 'sign-in: it is over' })
})
