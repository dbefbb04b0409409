import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { auth0World } from '../../../../../../test/fakes/auth0-world.ts'

const token = (claims: object) =>
  `${['{"alg":"RS256"}', JSON.stringify(claims)].map((part) => Buffer.from(part).toString('base64url')).join('.')}.c2ln`

test('a token that is wider than what was asked for is refused', async (t) => {
  const { fake, issue, audience, now } = await auth0World(t)
  const good = { aud: audience, exp: now() + 600, scope: 'read:orders' }
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ scope: 'read:orders write:orders' }, /with "write:orders", which was not asked for/],
    [{ access_token: token({ ...good, scope: 'admin' }) }, /with "admin"/],
    [{ access_token: token({ ...good, permissions: ['delete:orders'] }) }, /with "delete:orders"/],
    [{ access_token: token({ ...good, aud: 'https://other.example' }) }, /for another audience/],
    [{ access_token: token({ ...good, aud: [] }) }, /for another audience/],
  ]
  for (const [change, reason] of cases) {
    fake.answer = (body) => ({ ...body, ...change })
    await assert.rejects(issue(), { code: 'target_refused', reason })
  }
  fake.answer = (body) => ({ ...body, access_token: token({ ...good, aud: ['x', audience] }) })
  await issue()
})

test('who asks for no scope gets no token that has one, nor one of which nobody can tell', async (t) => {
  const { fake, issue, audience } = await auth0World(t)
  const none = { settings: { tenant: 'acme', audience }, scopes: [] }
  await assert.rejects(issue(none), { code: 'target_refused', reason: /with "read:orders"/ })
  fake.answer = (body) => ({ ...body, scope: undefined, access_token: 'opaque' })
  await assert.rejects(issue(none), { code: 'target_refused', reason: /whose scopes it does not tell/ })
  // RFC 6749 5.1: without the member, the scope is what was asked for.
  assert.equal((await issue()).token.reveal(), 'opaque')
})

test('permissions in the token beyond the granted scopes are refused: the API would go by them', async (t) => {
  const { fake, issue, audience } = await auth0World(t)
  fake.apis.set(audience, { lifetime: 600, permissionsInToken: true })
  await assert.rejects(issue(), { code: 'target_refused', reason: /with "write:orders"/ })
  await issue({ scopes: ['write:orders', 'read:orders'] })
})

test('the shorter life is told, and what lives on is said until when', async (t) => {
  const { fake, issue, target, tools, audience, now } = await auth0World(t)
  const lifetime = (seconds: number) => fake.apis.set(audience, { lifetime: seconds })
  lifetime(300)
  const short = await issue()
  assert.equal(short.expiresAt, now() + 300)
  lifetime(86_400)
  const long = await issue()
  const handle = long.handle?.() ?? null
  const end = new Date((now() + 86_400) * 1000).toISOString().replace('.000Z', 'Z')
  assert.equal(target.outlives?.(handle), `Auth0 recalls no access token: this one works until ${end}`)
  assert.ok(!JSON.stringify(handle).includes(long.token.reveal()))
  tools.advance(301_000)
  assert.equal(target.outlives?.(short.handle?.() ?? null), undefined, 'it is over')
  assert.equal(target.outlives?.(null), undefined, 'none was handed over')
})

test('what Auth0 refuses for good is told in its words, without what we sent', async (t) => {
  const { fake, issue, audience } = await auth0World(t)
  const elsewhere = { tenant: 'acme', audience: 'https://other.example', scopes: ['read:orders'] }
  await assert.rejects(issue({ settings: elsewhere }), {
    code: 'target_refused',
    reason: 'Auth0 answers 403: access_denied: Service not found: https://other.example',
  })
  await assert.rejects(issue({ scopes: ['delete:orders'] }), { reason: /has not been granted scopes/ })
  for (const [id, client] of fake.clients) fake.clients.set(id, { ...client, grants: {} })
  await assert.rejects(issue(), { reason: /is not authorized to access/ })
  for (const [id, client] of fake.clients) fake.clients.set(id, { ...client, algorithm: 'PS256' })
  await assert.rejects(issue(), (thrown: Error & { code: string; reason: string }) => {
    assert.equal(thrown.code, 'target_refused')
    assert.equal(thrown.reason, 'Auth0 answers 401: invalid_client: Client assertion is invalid: [token]')
    return true
  })
  assert.ok(fake.asked.every((form) => form['audience'] === audience || form['audience']?.includes('other')))
})

test('how long Auth0 wants to be left alone is handed on, whatever the status', async (t) => {
  const { fake, issue } = await auth0World(t)
  fake.faults.push({ status: 503, headers: { 'retry-after': '7' }, body: '{}' })
  await assert.rejects(issue(), { code: 'provider_unavailable', retryAfter: 7 })
})

test('a clock that differs reads like a wrong key, and is said', async (t) => {
  const { fake, issue } = await auth0World(t, { ahead: 400 })
  await assert.rejects(issue(), {
    code: 'provider_unavailable',
    reason: /its clock and ours differ by 400 s/,
  })
  assert.equal(fake.given.length, 0)
})

const faults = [
  [{ status: 500, body: 'oops' }, 'Auth0 answers 500'],
  [{ status: 503, body: '{"error":"x\\u0007y"}' }, 'Auth0 answers 503: x?y'],
  [{ status: 200, body: '<html>' }, 'Auth0 gives an answer that is none'],
  [{ status: 200, body: 'null' }, 'Auth0 gives an answer without a readable '],
  [{ status: 200, body: '{"access_token":"a b"}' }, 'Auth0 gives an answer without a readable access_token'],
  [
    { status: 200, body: '{"access_token":"a","token_type":"DPoP","expires_in":9}' },
    'Auth0 gives an answer without a readable token_type',
  ],
  [
    { status: 200, body: '{"access_token":"a","token_type":"Bearer","expires_in":-1}' },
    'Auth0 gives an answer without a readable expires_in',
  ],
  [
    { status: 200, body: '{"access_token":"a.b.c","token_type":"Bearer","expires_in":9}' },
    'Auth0 gives a token that is none',
  ],
  [{ status: 200, body: 'x'.repeat(70_000) }, 'Auth0 gives an answer that is too long'],
  [{ status: 302, headers: { location: '/oauth/token' }, body: '' }, 'Auth0 does not answer'],
  ['cut', 'Auth0 does not answer'],
  ['half', 'Auth0 does not answer'],
  ['hang', 'Auth0 does not answer'],
] as const

for (const [fault, reason] of faults) {
  const name = typeof fault === 'string' ? fault : `${fault.status} ${fault.body.slice(0, 60)}`
  test(`an answer that fails is told from a refusal, is asked once, and spoils nothing: ${name}`, async (t: TestContext) => {
    const { fake, issue } = await auth0World(t, { answerMs: 200 })
    fake.faults.push(fault)
    await assert.rejects(issue({}, 'job'), { code: 'provider_unavailable', reason })
    assert.equal(fake.asked.length, 1)
    await issue({}, 'job')
    assert.equal(fake.asked.length, 2)
  })
}

test('a tenant that is not there is unavailable; closing lets go of what hangs', async (t) => {
  const { fake, issue, target } = await auth0World(t, { answerMs: 3_600_000 })
  fake.faults.push('hang')
  const hanging = assert.rejects(issue(), { code: 'provider_unavailable' })
  while (fake.asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await target.close?.()
  await hanging
  const dead = await auth0World(t)
  dead.fake.close()
  await assert.rejects(dead.issue(), { code: 'provider_unavailable', reason: 'Auth0 does not answer' })
})
