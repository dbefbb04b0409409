import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, test } from 'node:test'
import { createRemoteJWKSet, importPKCS8, jwtVerify } from 'jose'
import { allowInsecureRequests, clientCredentialsGrant, discovery, PrivateKeyJwt } from 'openid-client'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { auth0Client, auth0Key, auth0World } from '../../../../../../test/fakes/auth0-world.ts'
import { Secret } from '../../../base/secret.ts'
import { auth0Connection, tenantUrl } from './settings.ts'

const shared = await auth0World({ after })
testTarget('auth0', {
  open: async () => shared.open(),
  grant: () => shared.grant(),
  endsAt: ({ token }) => {
    const [, body = ''] = token.reveal().split('.')
    return Number(JSON.parse(Buffer.from(body, 'base64url').toString()).exp)
  },
})

test('a token with the audience and the scopes of the grant, as an API verifies it', async (t) => {
  const { fake, target, grant, audience, tools } = await auth0World(t)
  const wanted = grant()
  const issued = await target.issue(wanted, target.prepare(wanted))
  const keys = createRemoteJWKSet(new URL(`${fake.url}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(issued.token.reveal(), keys, {
    issuer: `${fake.url}/`,
    audience,
    algorithms: ['RS256'],
    currentDate: new Date(tools.now()),
  })
  assert.equal(payload['scope'], 'read:orders')
  assert.deepEqual([issued.tokenType, issued.expiresAt], ['Bearer', wanted.expiresAt])
  assert.deepEqual(Object.keys(fake.asked[0] ?? {}), [
    'grant_type',
    'client_id',
    'client_assertion_type',
    'client_assertion',
    'audience',
    'scope',
  ])
})

test('the fake takes what a client of the standard sends, so what it takes of us is the standard', async (t) => {
  const { fake, audience } = await auth0World(t, { startMs: Date.now() })
  const key = await importPKCS8(auth0Key().pem, 'RS256')
  const server = new URL(`${fake.url}/.well-known/openid-configuration`)
  const options = { execute: [allowInsecureRequests] }
  const config = await discovery(server, auth0Client, undefined, PrivateKeyJwt(key), options)
  const answer = await clientCredentialsGrant(config, { audience, scope: 'read:orders' })
  assert.equal(answer.scope, 'read:orders')
})

for (const algorithm of ['RS256', 'RS384', 'PS256'] as const) {
  test(`assertions in ${algorithm} are taken, with the id of their key`, async (t) => {
    const { fake, open, grant } = await auth0World(t)
    const client = fake.clients.get(auth0Client)
    if (client !== undefined) fake.clients.set(auth0Client, { ...client, algorithm })
    await open({ algorithm, key_id: 'kid-1' }).issue(grant(), null)
    await open({ algorithm }).issue(grant(), null)
    const wrong = open({ algorithm: algorithm === 'RS256' ? 'PS256' : 'RS256' })
    await assert.rejects(wrong.issue(grant(), null), {
      code: 'target_refused',
      reason: /401: invalid_client/,
    })
    const other = open({ algorithm, key_id: 'kid-2' })
    await assert.rejects(other.issue(grant(), null), { reason: /Unknown kid/ })
  })
}

test('each assertion is for this tenant, for a minute, and never the same', async (t) => {
  const { fake, issue } = await auth0World(t)
  await Promise.all([issue(), issue()])
  const assertions = fake.asked.map((form) => form['client_assertion'] ?? '')
  assert.equal(new Set(assertions).size, 2)
  const [, body = ''] = assertions[0]?.split('.') ?? []
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [auth0Client, auth0Client, `${fake.url}/`])
  assert.equal(claims.exp - claims.iat, 60)
})

test('a key that cannot be read stops the broker when it opens, and is not repeated', async (t) => {
  const { open, grant } = await auth0World(t)
  const unfit = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 1024 }),
  ].map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  for (const key of ['no key', ...unfit])
    assert.throws(() => open({ private_key: new Secret(key) }), {
      code: 'internal',
      message: 'connections.auth0.acme.private_key is not an RSA key of 2048 bits or more, in PEM',
    })
  const oneLine = new Secret(auth0Key().pem.replaceAll('\n', '\\n'))
  await open({ private_key: oneLine }).issue(grant(), null)
})

test('settings that are none, another tenant and no scope are refused before anything is asked', async (t) => {
  const { fake, target, grant, audience } = await auth0World(t)
  const settings = { tenant: 'acme', audience, scopes: ['read:orders'] }
  for (const over of [
    { settings: { ...settings, tenant: 'other' } },
    { settings: { ...settings, tenant: 'constructor' } },
    { settings: { tenant: 'acme' } },
    { settings: { ...settings, more: 1 } },
    { settings: null },
    { settings, scopes: [] },
  ])
    assert.throws(() => target.prepare(grant(over)), { code: 'target_refused' })
  assert.equal(target.connection?.(grant()), 'auth0 acme')
  assert.equal(fake.asked.length, 0)
})

test('a connection is a host of its own, https, with an algorithm that Auth0 takes', () => {
  const good = { domain: 'acme.eu.auth0.com', client_id: 'abc', private_key: { env: 'KEY' } }
  assert.equal(auth0Connection.parse(good).algorithm, 'RS256')
  assert.equal(tenantUrl(good), 'https://acme.eu.auth0.com')
  const local = { ...good, domain: '127.0.0.1:8080', dangerously_allow_http: true }
  assert.equal(tenantUrl(auth0Connection.parse(local)), 'http://127.0.0.1:8080')
  for (const wrong of [
    { ...local, dangerously_allow_http: false },
    { ...local, domain: '10.0.0.1:80' },
    { ...local, domain: '127.0.0.1:8080/x' },
    { ...local, domain: 'x@127.0.0.1:8080' },
    ...[
      'https://acme.auth0.com',
      'acme.auth0.com/',
      'acme.auth0.com:443',
      'acme',
      'Acme.auth0.com',
      '',
      '1.2.3.4',
    ].map((domain) => ({ ...good, domain })),
    { ...good, algorithm: 'ES256' },
    { ...good, algorithm: 'none' },
    { ...good, client_id: 'a b' },
    { ...good, private_key: '-----BEGIN' },
    { ...good, client_secret: { env: 'X' } },
  ])
    assert.ok(!auth0Connection.safeParse(wrong).success, JSON.stringify(wrong))
})
