import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { createRemoteJWKSet, importPKCS8, jwtVerify } from 'jose'
import { allowInsecureRequests, clientCredentialsGrant, discovery, PrivateKeyJwt } from 'openid-client'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { type Auth0Fake, openAuth0Fake } from '../../../../../../test/fakes/auth0.ts'
import { fakeTools } from '../../../../../../test/fakes/clock.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import { type Auth0Connection, openAuth0Target } from './auth0.ts'

const audience = 'https://orders.acme.example'
const clientId = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

interface World {
  readonly fake: Auth0Fake
  readonly tools: ReturnType<typeof fakeTools>
}

async function world(lifetime = 600, startMs?: number): Promise<World> {
  const tools = fakeTools(startMs)
  const fake = await openAuth0Fake(tools.now)
  after(() => fake.close())
  fake.apis.set(audience, { lifetime, scopes: ['read:orders', 'write:orders'] })
  fake.clients.set(clientId, {
    ...{ id: clientId, publicKey, algorithm: 'RS256', kid: 'kid-1' },
    grants: { [audience]: ['read:orders', 'write:orders'] },
  })
  return { fake, tools }
}

function open({ fake, tools }: World, over: Partial<Auth0Connection> = {}, answerMs = 2000) {
  const connection: Auth0Connection = {
    domain: fake.domain,
    client_id: clientId,
    private_key: new Secret(pem),
    algorithm: 'RS256',
    ...over,
  }
  return openAuth0Target({ connections: { acme: connection }, tools, answerMs })
}

let jobs = 0

function grantOf({ tools }: Pick<World, 'tools'>, over: Partial<Grant> = {}, job = `${++jobs}`): Grant {
  const now = Math.floor(tools.now() / 1000)
  return {
    leaseId: newId('ls', { now: tools.now, randomBytes }),
    principal: {
      ...{ issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
      job: { issuer: 'github', id: job },
    },
    target: 'orders',
    kind: 'auth0',
    settings: { tenant: 'acme', audience, scopes: ['read:orders', 'write:orders'] },
    scopes: ['read:orders'],
    issuedAt: now,
    expiresAt: now + 600,
    ...over,
  }
}

const shared = await world()
testTarget('auth0', {
  open: async () => open(shared),
  grant: () => grantOf(shared),
  endsAt: ({ token }) => {
    const [, body = ''] = token.reveal().split('.')
    return Number(JSON.parse(Buffer.from(body, 'base64url').toString()).exp)
  },
})

test('a token with the audience and the scopes of the grant, as an API verifies it', async () => {
  const here = await world()
  const grant = grantOf(here)
  const issued = await open(here).issue(grant, null)
  const keys = createRemoteJWKSet(new URL(`${here.fake.url}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(issued.token.reveal(), keys, {
    issuer: `${here.fake.url}/`,
    audience,
    algorithms: ['RS256'],
    currentDate: new Date(here.tools.now()),
  })
  assert.equal(payload['scope'], 'read:orders')
  assert.deepEqual([issued.tokenType, issued.expiresAt], ['Bearer', grant.expiresAt])
  const [asked] = here.fake.asked
  assert.equal(asked?.['client_secret'], undefined)
})

test('the fake takes what a client of the standard sends, so what it takes of us is the standard', async () => {
  const here = await world(600, Date.now())
  const key = await importPKCS8(pem, 'RS256')
  const server = new URL(`${here.fake.url}/.well-known/openid-configuration`)
  const config = await discovery(server, clientId, undefined, PrivateKeyJwt(key), {
    execute: [allowInsecureRequests],
  })
  const answer = await clientCredentialsGrant(config, { audience, scope: 'read:orders' })
  assert.equal(answer.scope, 'read:orders')
})

for (const algorithm of ['RS256', 'RS384', 'PS256'] as const) {
  test(`assertions in ${algorithm} are taken, with the id of their key`, async () => {
    const here = await world()
    const client = here.fake.clients.get(clientId)
    if (client !== undefined) here.fake.clients.set(clientId, { ...client, algorithm })
    await open(here, { algorithm, key_id: 'kid-1' }).issue(grantOf(here), null)
    const wrong = algorithm === 'RS256' ? 'PS256' : 'RS256'
    await assert.rejects(open(here, { algorithm: wrong }).issue(grantOf(here), null), {
      code: 'target_refused',
      reason: /401: invalid_client/,
    })
    await assert.rejects(open(here, { algorithm, key_id: 'kid-2' }).issue(grantOf(here), null), {
      reason: /Unknown kid/,
    })
  })
}

test('each assertion is for this tenant, for a minute, and never the same', async () => {
  const here = await world()
  const target = open(here)
  await Promise.all([target.issue(grantOf(here), null), target.issue(grantOf(here), null)])
  const assertions = here.fake.asked.map((form) => form['client_assertion'] ?? '')
  assert.equal(new Set(assertions).size, 2)
  const [, body = ''] = assertions[0]?.split('.') ?? []
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [clientId, clientId, `${here.fake.url}/`])
  assert.equal(claims.exp - claims.iat, 60)
})

test('a key that cannot be read stops the broker when it opens, and is not repeated', async () => {
  const here = await world()
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  for (const key of ['no key', ec.export({ type: 'pkcs8', format: 'pem' }).toString()])
    assert.throws(() => open(here, { private_key: new Secret(key) }), {
      code: 'internal',
      message: 'connections.auth0.acme.private_key is not an RSA key of 2048 bits or more, in PEM',
    })
  await open(here, { private_key: new Secret(pem.replaceAll('\n', '\\n')) }).issue(grantOf(here), null)
})

test('settings that are none, another tenant and no scope are refused before anything is asked', async () => {
  const here = await world()
  const target = open(here)
  const settings = { tenant: 'acme', audience, scopes: ['read:orders'] }
  for (const over of [
    { settings: { ...settings, tenant: 'other' } },
    { settings: { ...settings, tenant: 'constructor' } },
    { settings: { tenant: 'acme' } },
    { settings: { ...settings, more: 1 } },
    { settings: null },
    { settings, scopes: [] },
  ])
    assert.throws(() => target.prepare(grantOf(here, over)), { code: 'target_refused' })
  assert.equal(target.connection?.(grantOf(here)), 'auth0 acme')
  assert.equal(here.fake.asked.length, 0)
})
