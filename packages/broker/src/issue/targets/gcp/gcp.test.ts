import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { ExternalAccountClient } from 'google-auth-library'
import { testProviderFaults } from '../../../../../../test/conformance/provider-faults.ts'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { type GcpFake, gcpFor } from '../../../../../../test/fakes/gcp.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { openFederation } from '../../federation.ts'
import { openGcpTarget } from './gcp.ts'

const url = 'https://mayfly.example.com'
const account = 'pusher@acme-images.iam.gserviceaccount.com'
const other = 'reader@acme-images.iam.gserviceaccount.com'
const audience =
  '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/jobs/providers/mayfly'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const signer = {
  kid: 'k1',
  algorithm: 'RS256',
  sign: (input: Uint8Array | string) => createSign('sha256').update(input).sign(privateKey),
} as const

const seconds = () => Math.floor(Date.now() / 1000)

function grantOf(over: Partial<Grant> = {}): Grant {
  const claims = { repository: 'acme/shop', repository_id: '40211', environment: 'prod', run_id: '9001' }
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims, replayKey: 'k', replayUntil: 1 },
    target: 'images',
    kind: 'gcp_service_account',
    settings: account,
    scopes: [],
    issuedAt: seconds(),
    expiresAt: seconds() + 600,
    ...over,
  }
}

function gcp(t: Parameters<typeof gcpFor>[0], now = Date.now): Promise<GcpFake> {
  const key = (kid: string) => (kid === 'k1' ? publicKey : undefined)
  return gcpFor(t, { now, audience, issuer: url, key, accounts: [account, other] })
}

function signing(now = Date.now) {
  const keys = { signer: () => signer }
  return openFederation({ url, keys, subject: () => 'github:repository_id:40211', tools: { now } })
}

function open(fake: Pick<GcpFake, 'url'>, over: { now?: () => number; answerMs?: number } = {}) {
  const { now = Date.now, ...rest } = over
  const connection = { audience, sts: fake.url, iamcredentials: fake.url }
  return openGcpTarget({ connections: { main: connection }, sign: signing(now), tools: { now }, ...rest })
}

function tokenOf({ parts = {} }: Credential): string {
  const token = parts['access_token']
  assert.ok(token instanceof Secret)
  return token.reveal()
}

const shared = await gcp({ after })
testTarget('gcp_service_account', {
  open: async () => open(shared),
  grant: grantOf,
  endsAt: ({ parts = {} }) => Date.parse(String(parts['expiration'])) / 1000,
})
testProviderFaults('gcp_service_account', {
  place: (t) => gcp(t),
  once: (place, answerMs) => open({ url: place }, { answerMs }).issue(grantOf(), null),
  questions: 2,
  clock: { at: 1, status: 400, body: '{"error":"invalid_grant"}' },
})

test('the token is that of the one service account, and lives as long as the lease', async (t) => {
  const fake = await gcp(t)
  const grant = grantOf()
  const issued = await open(fake).issue(grant, null)
  assert.equal(fake.accountOf(tokenOf(issued)), account)
  const [wish] = fake.wishes
  assert.deepEqual(wish?.['scope'], ['https://www.googleapis.com/auth/cloud-platform'])
  assert.ok(Number.parseInt(String(wish?.['lifetime']), 10) <= 600)
  const [claims = {}] = fake.tokens
  assert.deepEqual(
    [claims['service_account'], claims['lease'], claims['repository_id'], claims['aud']],
    [account, grant.leaseId, '40211', `https:${audience}`],
  )
  assert.ok('azp' in claims === false && Number(claims['exp']) - Number(claims['iat']) <= 300)
})

test('scopes narrow the token, and more than an hour becomes an hour that the job hears of', async (t) => {
  const fake = await gcp(t)
  const scopes = ['https://www.googleapis.com/auth/devstorage.read_only']
  const settings = { service_account: account, oauth_scopes: scopes, connection: 'main' }
  const issued = await open(fake).issue(grantOf({ settings, expiresAt: seconds() + 7200 }), null)
  assert.deepEqual(fake.wishes[0], { scope: scopes, lifetime: '3600s' })
  assert.ok((issued.expiresAt ?? 0) <= seconds() + 3601)
})

test('what lives on after the lease is said until it ends', async (t) => {
  const target = open(await gcp(t))
  const issued = await target.issue(grantOf(), null)
  assert.match(target.outlives?.(issued.handle?.() ?? null) ?? '', /works until \d{4}-/)
  assert.equal(target.outlives?.({ until: seconds() - 1 }), undefined)
  assert.equal(target.outlives?.(null), undefined)
})

test("Google's own client gets the same from this stand-in with our token", async (t) => {
  const fake = await gcp(t)
  const client = ExternalAccountClient.fromJSON({
    type: 'external_account',
    audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${fake.url}/v1/token`,
    service_account_impersonation_url: `${fake.url}/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
    subject_token_supplier: {
      getSubjectToken: () => signing()(grantOf(), { aud: `https:${audience}`, service_account: account }),
    },
  })
  const { token } = (await client?.getAccessToken()) ?? {}
  assert.equal(fake.accountOf(token ?? ''), account)
})

test('a token for one account impersonates no other', async (t) => {
  const fake = await gcp(t)
  const wrong = openGcpTarget({
    connections: { main: { audience, sts: fake.url, iamcredentials: fake.url } },
    sign: (grant, claims) => signing()(grant, { ...claims, service_account: other }),
    tools: { now: Date.now },
  })
  await assert.rejects(wrong.issue(grantOf(), null), {
    code: 'target_refused',
    reason: 'Google IAM credentials answers 403: PERMISSION_DENIED',
  })
})

test('what Google refuses for good is told apart from what may pass, and nothing of it is repeated', async (t) => {
  const fake = await gcp(t)
  const target = open(fake)
  const faults = [
    [
      'sts',
      400,
      '{"error":"invalid_grant","error_description":"eyJ.x.y"}',
      'target_refused',
      /invalid_grant$/,
    ],
    ['sts', 400, '{"error":"temporarily_unavailable"}', 'provider_unavailable', /temporarily/],
    ['sts', 404, '<html>', 'provider_unavailable', /answers 404$/],
    ['sts', 503, '{}', 'provider_unavailable', /answers 503$/],
    ['sts', 302, '', 'provider_unavailable', /answers 302$/],
    ['sts', 200, '{"access_token":"a b"}', 'provider_unavailable', /that is none$/],
    ['sts', 200, 'x'.repeat(70_000), 'provider_unavailable', /too long$/],
    [
      'iamcredentials',
      403,
      '{"error":{"status":"PERMISSION_DENIED"}}',
      'target_refused',
      /PERMISSION_DENIED$/,
    ],
    ['iamcredentials', 500, '{"error":{"status":"INTERNAL"}}', 'provider_unavailable', /INTERNAL$/],
    [
      'iamcredentials',
      200,
      '{"accessToken":"ya29.aaaaaaaaaaaaaaa"}',
      'provider_unavailable',
      /that is none$/,
    ],
    [
      'iamcredentials',
      200,
      '{"accessToken":"ya29.aaaaaaaaaaaaaaa","expireTime":"2999-01-01T00:00:00Z"}',
      'provider_unavailable',
      /lives too long$/,
    ],
  ] as const
  for (const [part, status, body, code, reason] of faults) {
    fake.answerNext(part, status, body)
    await assert.rejects(target.issue(grantOf(), null), { code, reason })
  }
  fake.answerNext('iamcredentials', 429, '{"error":{"status":"RESOURCE_EXHAUSTED"}}', { 'retry-after': '17' })
  await assert.rejects(target.issue(grantOf(), null), { code: 'provider_unavailable', retryAfter: 17 })
})

test('no answer of either, and none of a place that is not there, ends in time', async (t) => {
  for (const part of ['sts', 'iamcredentials'] as const) {
    const fake = await gcp(t)
    fake.hang(part)
    await assert.rejects(open(fake, { answerMs: 100 }).issue(grantOf(), null), {
      code: 'provider_unavailable',
      reason: /does not answer$/,
    })
  }
  await assert.rejects(open({ url: 'http://127.0.0.1:1' }).issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: 'Google STS does not answer',
  })
})

test('closing ends what waits', async (t) => {
  const fake = await gcp(t)
  fake.hang('sts')
  const target = open(fake)
  const asked = target.issue(grantOf(), null)
  await target.close?.()
  await assert.rejects(asked, { code: 'provider_unavailable' })
})

test('a clock that is off is refused by Google, and a lease that is over asks for nothing', async (t) => {
  const fake = await gcp(t)
  const late = open(fake, { now: () => Date.now() - 900_000 })
  await assert.rejects(late.issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: /400: invalid_grant; its clock and ours differ by (89|90)\d s$/,
  })
  assert.equal(fake.wishes.length, 0)
})

test('settings that are none, and a connection that is not there, are refused before anything is asked', async (t) => {
  const target = open(await gcp(t))
  const none = [
    'someone@example.com',
    `${account}/../${other}`,
    { service_account: account, extra: 1 },
    null,
    { service_account: account, connection: 'gone' },
  ]
  for (const settings of none)
    assert.throws(() => target.prepare(grantOf({ settings })), { code: 'target_refused' })
})
