import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { testProviderFaults } from '../../../../../../test/conformance/provider-faults.ts'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { type EntraFake, entraFor } from '../../../../../../test/fakes/entra.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { openFederation } from '../../federation.ts'
import { openAzureTarget } from './azure.ts'

const url = 'https://mayfly.example.com'
const subject = 'github:repository_id:40211:environment:production'
const tenant = '11111111-2222-3333-4444-555555555555'
const client = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const stranger = 'aaaaaaaa-bbbb-cccc-dddd-ffffffffffff'
const settings = { client, scope: 'https://management.azure.com/.default' }
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const signer = {
  kid: 'k1',
  algorithm: 'RS256',
  sign: (input: Uint8Array | string) => createSign('sha256').update(input).sign(privateKey),
} as const

const seconds = () => Math.floor(Date.now() / 1000)

function grantOf(over: Partial<Grant> = {}): Grant {
  const claims = { repository: 'acme/shop', repository_id: '40211', environment: 'production' }
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims, replayKey: 'k', replayUntil: 1 },
    target: 'cloud',
    kind: 'azure',
    settings,
    scopes: [],
    issuedAt: seconds(),
    expiresAt: seconds() + 600,
    ...over,
  }
}

function entra(t: Parameters<typeof entraFor>[0]): Promise<EntraFake> {
  const key = (kid: string) => (kid === 'k1' ? publicKey : undefined)
  const applications = {
    [client]: [{ issuer: url, subject }],
    [stranger]: [{ issuer: url, subject: 'github:repository_id:1:environment:production' }],
  }
  return entraFor(t, { now: Date.now, tenant, key, applications })
}

interface Over {
  readonly now?: () => number
  readonly answerMs?: number
}

function open(fake: Pick<EntraFake, 'url'>, { now = Date.now, ...rest }: Over = {}) {
  const keys = { signer: () => signer }
  const sign = openFederation({ url, keys, subject: () => subject, tools: { now } })
  return openAzureTarget({
    connections: { acme: { tenant, authority: fake.url } },
    sign,
    tools: { now },
    ...rest,
  })
}

function tokenOf({ parts = {} }: Credential): string {
  const token = parts['access_token']
  assert.ok(token instanceof Secret)
  return token.reveal()
}

const shared = await entra({ after })
testTarget('azure', { open: async () => open(shared), grant: grantOf })
testProviderFaults('azure', {
  place: (t) => entra(t),
  once: (place, answerMs) => open({ url: place }, { answerMs }).issue(grantOf(), null),
  questions: 1,
  clock: { at: 1, status: 401, body: '{"error":"invalid_client","error_codes":[700024]}' },
})

test('the token is for the application and the resource that the policy names', async (t) => {
  const fake = await entra(t)
  const grant = grantOf()
  const issued = await open(fake).issue(grant, null)
  const holder = fake.holderOf(tokenOf(issued))
  assert.deepEqual([holder?.client, holder?.resource], [client, 'https://management.azure.com'])
  const [claims = {}] = fake.assertions
  assert.deepEqual(
    [claims['sub'], claims['aud'], claims['lease']],
    [subject, 'api://AzureADTokenExchange', grant.leaseId],
  )
})

test('Entra alone says how long the token lives: the part says so, the lease ends first, and its end says what lives on', async (t) => {
  const target = open(await entra(t))
  const grant = grantOf()
  const issued = await target.issue(grant, null)
  assert.equal(issued.expiresAt, grant.expiresAt)
  const ends = Date.parse(String(issued.parts?.['expiration'])) / 1000
  assert.ok(ends > seconds() + 3500)
  assert.match(target.outlives?.(issued.handle?.() ?? null) ?? '', /works until \d{4}-/)
  assert.equal(target.outlives?.({ until: seconds() - 1 }), undefined)
  assert.equal(target.outlives?.(null), undefined)
  const long = await target.issue(grantOf({ expiresAt: seconds() + 7200 }), null)
  assert.ok((long.expiresAt ?? 0) < seconds() + 3700, 'the job hears that the token ends before the grant')
})

test('an application that trusts another workload, and one that is not there, refuse for good', async (t) => {
  const target = open(await entra(t))
  const asked = (id: string) => target.issue(grantOf({ settings: { ...settings, client: id } }), null)
  await assert.rejects(asked(stranger), {
    code: 'target_refused',
    reason: 'Entra answers 401: invalid_client AADSTS700213',
  })
  await assert.rejects(asked(tenant), {
    code: 'target_refused',
    reason: 'Entra answers 400: unauthorized_client AADSTS700016',
  })
})

test('what may pass is told apart from what Entra refuses for good, and nothing of it is repeated', async (t) => {
  const fake = await entra(t)
  const target = open(fake)
  const given = (over: object) =>
    JSON.stringify({ token_type: 'Bearer', expires_in: 3599, access_token: 'a'.repeat(40), ...over })
  const faults = [
    [400, '{"error":"temporarily_unavailable","error_codes":[90033]}', /400: temporarily_unavailable$/],
    [503, '{"error":"server_error","error_codes":["x"]}', /503: server_error$/],
    [404, '<html>', /404$/],
    [307, '', /307$/],
    [200, 'x'.repeat(70_000), /too long$/],
    [200, given({ access_token: 'a b' }), /none$/],
    [200, given({ token_type: 'pop' }), /none$/],
    [200, given({ expires_in: '3599' }), /none$/],
    [200, given({ expires_in: -1 }), /none$/],
    [200, given({ expires_in: 1e9 }), /none$/],
    [200, '[]', /none$/],
  ] as const
  for (const [status, body, reason] of faults) {
    fake.answerNext(status, body)
    await assert.rejects(target.issue(grantOf(), null), { code: 'provider_unavailable', reason })
  }
  fake.answerNext(429, '{"error":"too_many_requests"}', { 'retry-after': '23' })
  await assert.rejects(target.issue(grantOf(), null), { code: 'provider_unavailable', retryAfter: 23 })
})

test('no answer ends in time, and closing ends what waits', async (t) => {
  const fake = await entra(t)
  fake.hang()
  const refused = { code: 'provider_unavailable', reason: 'Entra does not answer' }
  await assert.rejects(open(fake, { answerMs: 100 }).issue(grantOf(), null), refused)
  const target = open(fake)
  const asked = target.issue(grantOf(), null)
  await target.close?.()
  await assert.rejects(asked, refused)
  await assert.rejects(open({ url: 'http://127.0.0.1:1' }).issue(grantOf(), null), refused)
})

test('a clock that is off is refused in the words of Entra', async (t) => {
  const late = open(await entra(t), { now: () => Date.now() - 900_000 })
  await assert.rejects(late.issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: /invalid_client AADSTS700024; its clock and ours differ by (89|90)\d s$/,
  })
})

test('settings that are none, and a connection that is not there, are refused before anything is asked', async (t) => {
  const target = open(await entra(t))
  const none = [
    { ...settings, scope: 'https://management.azure.com/.default https://graph.microsoft.com/.default' },
    { ...settings, client: '../other' },
    { ...settings, tenant: 'gone' },
    { ...settings, extra: 1 },
    null,
  ]
  for (const each of none)
    assert.throws(() => target.prepare(grantOf({ settings: each })), { code: 'target_refused' })
})
