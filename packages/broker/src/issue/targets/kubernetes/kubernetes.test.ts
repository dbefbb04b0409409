import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { testProviderFaults } from '../../../../../../test/conformance/provider-faults.ts'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { type KubernetesFake, kubernetesFor } from '../../../../../../test/fakes/kubernetes.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { openKubernetesTarget } from './kubernetes.ts'

const broker = randomBytes(40).toString('base64url')
const settings = { cluster: 'main', namespace: 'shop', service_account: 'deployer' }
const seconds = () => Math.floor(Date.now() / 1000)

function grantOf(over: Partial<Grant> = {}): Grant {
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
    target: 'cluster',
    kind: 'kubernetes',
    settings,
    scopes: [],
    issuedAt: seconds(),
    expiresAt: seconds() + 900,
    ...over,
  }
}

function kubernetes(t: Parameters<typeof kubernetesFor>[0]): Promise<KubernetesFake> {
  return kubernetesFor(t, { now: Date.now, broker, accounts: ['shop/deployer', 'shop/reader'] })
}

interface Over {
  readonly answerMs?: number
  readonly token?: string
  readonly ca?: string
  readonly name?: string
}

function open(fake: Pick<KubernetesFake, 'url' | 'ca'>, { name = 'main', ...over }: Over = {}) {
  const { answerMs = 5_000, token = broker, ca = fake.ca } = over
  const connection = { server: fake.url, ca: new Secret(ca), token: new Secret(token) }
  return openKubernetesTarget({ connections: { [name]: connection }, tools: { now: Date.now }, answerMs })
}

/** By a wire that ends TLS before the API server. */
function overWire(server: string, answerMs: number) {
  const main = { server, token: new Secret(broker) }
  return openKubernetesTarget({ connections: { main }, tools: { now: Date.now }, answerMs })
}

function tokenOf({ parts = {} }: Credential): string {
  const token = parts['token']
  assert.ok(token instanceof Secret)
  return token.reveal()
}

const shared = await kubernetes({ after })
testTarget('kubernetes', {
  open: async () => open(shared),
  grant: grantOf,
  endsAt: ({ parts = {} }) => Date.parse(String(parts['expiration'])) / 1000,
  works: async (credential) => shared.userOf(tokenOf(credential)) !== undefined,
})

testProviderFaults('kubernetes', {
  place: kubernetes,
  once: (place, answerMs) => overWire(place, answerMs).issue(grantOf(), null),
  questions: 2,
})
testProviderFaults('kubernetes, taking back', {
  place: kubernetes,
  once: async (place, answerMs) => {
    const target = overWire(place, answerMs)
    await target.revoke?.(target.prepare(grantOf()))
  },
  questions: 1,
})

test('nothing is left behind by all of that', () => {
  assert.deepEqual(shared.secrets(), [])
})

test('the token is that of the service account, bound to a Secret of the lease, and ends with it', async (t) => {
  const fake = await kubernetes(t)
  const target = open(fake)
  const grant = grantOf({ settings: { ...settings, audiences: ['https://vault.example.com'] } })
  const issued = await target.issue(grant, target.prepare(grant))
  assert.equal(fake.userOf(tokenOf(issued)), 'system:serviceaccount:shop:deployer')
  assert.deepEqual(fake.secrets(), [`shop/mayfly-${grant.leaseId.replace('_', '-')}`])
  const [spec] = fake.requests
  assert.deepEqual(spec?.audiences, ['https://vault.example.com'])
  assert.ok(Number(spec?.expirationSeconds) <= 900 && Number(spec?.expirationSeconds) > 890)
  assert.equal(issued.parts?.['server'], fake.url)
  await target.revoke?.(target.prepare(grant))
  assert.equal(fake.userOf(tokenOf(issued)), undefined)
})

test('a grant shorter than ten minutes gets a token that would live ten, and ends with the lease', async (t) => {
  const fake = await kubernetes(t)
  const grant = grantOf({ expiresAt: seconds() + 120 })
  const issued = await open(fake).issue(grant, null)
  assert.equal(fake.requests[0]?.expirationSeconds, 600)
  assert.equal(issued.expiresAt, grant.expiresAt)
})

test('whatever step an issue dies after, its handle takes back what is there', async (t) => {
  for (const [step, done] of [
    ['secret', false],
    ['secret', true],
    ['token', false],
    ['token', true],
  ] as const) {
    const fake = await kubernetes(t)
    fake.hang(step, done)
    const target = open(fake, { answerMs: 300 })
    const grant = grantOf()
    const handle = target.prepare(grant)
    await assert.rejects(target.issue(grant, handle), {
      code: 'provider_unavailable',
      reason: 'Kubernetes does not answer',
    })
    await target.revoke?.(handle)
    assert.deepEqual(fake.secrets(), [], `${step} ${done}`)
  }
})

test('only the API server itself says that a Secret is gone', async (t) => {
  const fake = await kubernetes(t)
  const target = open(fake)
  const grant = grantOf()
  const handle = target.prepare(grant)
  const issued = await target.issue(grant, handle)
  const faults = [
    [404, '<html>', /answers 404$/],
    [404, '{"reason":"NotFound"}', /answers 404$/],
    [200, '<html>', /answers 200$/],
    [202, '{"kind":"Status","status":"Success"}', /answers 202$/],
    [403, '{"kind":"Status","reason":"Forbidden"}', /403: Forbidden$/],
    [401, '{"kind":"Status","reason":"Unauthorized"}', /401: Unauthorized$/],
    [503, '', /503$/],
  ] as const
  for (const [status, body, reason] of faults) {
    fake.answerNext('delete', status, body)
    await assert.rejects(async () => target.revoke?.(handle), { code: 'provider_unavailable', reason })
    assert.notEqual(fake.userOf(tokenOf(issued)), undefined)
  }
  await target.revoke?.(handle)
  assert.equal(fake.userOf(tokenOf(issued)), undefined)
})

test('after the configuration changed: another name is the same cluster, another address is not', async (t) => {
  const [fake, other] = [await kubernetes(t), await kubernetes(t)]
  const grant = grantOf()
  const target = open(fake)
  const handle = target.prepare(grant)
  await target.issue(grant, handle)
  await assert.rejects(async () => open(other).revoke?.(handle), { code: 'provider_unavailable' })
  assert.equal(fake.secrets().length, 1)
  await open(fake, { name: 'renamed' }).revoke?.(handle)
  assert.deepEqual(fake.secrets(), [])
})

test('what Kubernetes refuses for good is told apart from what may pass; an unbound token is never handed over', async (t) => {
  const fake = await kubernetes(t)
  const target = open(fake)
  const unbound = {
    kind: 'TokenRequest',
    spec: { expirationSeconds: 900 },
    status: { token: 'a'.repeat(40), expirationTimestamp: '2030-01-01T00:00:00Z' },
  }
  const faults = [
    ['secret', 403, '{"kind":"Status","reason":"Forbidden"}', 'target_refused', /403: Forbidden$/],
    ['secret', 201, '{}', 'provider_unavailable', /none$/],
    ['secret', 500, '{"kind":"Status","reason":"InternalError"}', 'provider_unavailable', /InternalError$/],
    ['secret', 302, '', 'provider_unavailable', /302$/],
    ['token', 422, '{"kind":"Status","reason":"Invalid"}', 'target_refused', /422: Invalid$/],
    ['token', 201, '{"status":{"token":"a b"}}', 'provider_unavailable', /none$/],
    ['token', 201, JSON.stringify(unbound), 'provider_unavailable', /not bound$/],
    ['token', 201, 'x'.repeat(70_000), 'provider_unavailable', /too long$/],
  ] as const
  for (const [step, status, body, code, reason] of faults) {
    fake.answerNext(step, status, body)
    await assert.rejects(target.issue(grantOf(), null), { code, reason })
  }
  fake.answerNext('token', 429, '{"kind":"Status","reason":"TooManyRequests"}', {
    headers: { 'retry-after': '3' },
  })
  await assert.rejects(target.issue(grantOf(), null), { code: 'provider_unavailable', retryAfter: 3 })
  const missing = grantOf({ settings: { ...settings, service_account: 'nobody' } })
  await assert.rejects(target.issue(missing, null), { code: 'target_refused', reason: /404: NotFound$/ })
})

test('a server whose certificate is of another authority is never told the token', async (t) => {
  const [fake, other] = [await kubernetes(t), await kubernetes(t)]
  await assert.rejects(open(fake, { ca: other.ca }).issue(grantOf(), null), {
    code: 'provider_unavailable',
    reason: 'Kubernetes does not answer',
  })
  assert.deepEqual(fake.secrets(), [])
})

test('a token or an authority that is none stops the start, and names its place alone', async (t) => {
  const fake = await kubernetes(t)
  assert.throws(() => open(fake, { token: 'two words' }), {
    code: 'internal',
    detail: 'connections.kubernetes.main.token is no bearer token',
  })
  assert.throws(() => open(fake, { ca: 'nothing' }), { detail: /main\.ca is no certificate/ })
})

test('settings that are none, and a cluster that is not there, are refused before anything is asked', async (t) => {
  const target = open(await kubernetes(t))
  const none = [
    { ...settings, namespace: 'shop/../kube-system' },
    { ...settings, service_account: 'a/b' },
    { ...settings, cluster: 'gone' },
    { ...settings, extra: 1 },
    null,
  ]
  for (const each of none)
    assert.throws(() => target.prepare(grantOf({ settings: each })), { code: 'target_refused' })
})
