import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { pullRequestJob, pushJob } from './claims.ts'
import { type GithubOptions, startGithub } from './github.ts'
import type { Job } from './token-issuer.ts'

async function github(t: TestContext, options: GithubOptions = {}) {
  const started = await startGithub(options)
  t.after(() => started.close())
  return started
}

/** As GitHub's own toolkit asks. */
async function ask(job: Job, audience: string, token = job.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? '') {
  const url = `${job.env['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=${encodeURIComponent(audience)}`
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
  })
  const { value = '' } = (await response.json()) as { value?: string }
  return { status: response.status, value }
}

async function keysOf(issuer: string) {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  const document = (await response.json()) as { issuer: string; jwks_uri: string }
  assert.equal(document.issuer, issuer)
  return createRemoteJWKSet(new URL(document.jwks_uri))
}

test('an ID token that a job asked for verifies from discovery alone', async (t) => {
  for (const path of ['', '/_services/token']) {
    const { issuer, job } = await github(t, { path })
    const { value } = await ask(job(pushJob('production')), 'https://mayfly.example.com')
    const { payload, protectedHeader } = await jwtVerify(value, await keysOf(issuer), {
      issuer,
      audience: 'https://mayfly.example.com',
      subject: 'repo:acme/shop:environment:production',
      requiredClaims: ['jti', 'check_run_id', 'run_id', 'run_attempt'],
      maxTokenAge: 60,
    })
    assert.equal(protectedHeader.alg, 'RS256')
    const { iat = 0, nbf, exp, aud, sub, iss, jti, ...custom } = payload
    assert.deepEqual({ nbf, exp }, { nbf: iat - 300, exp: iat + 300 })
    assert.match(String(jti), /^[0-9a-f-]{36}$/)
    assert.deepEqual(
      Object.values(custom).filter((value) => typeof value !== 'string'),
      [],
    )
  }
})

test('each token has a jti of its own, all tokens of a job have its ids', async (t) => {
  const { job } = await github(t)
  const one = job()
  const tokens = [await ask(one, 'a'), await ask(one, 'a')].map(({ value }) => decodeJwt(value))
  const other = decodeJwt((await ask(job(), 'a')).value)
  assert.equal(tokens[0]?.['check_run_id'], tokens[1]?.['check_run_id'])
  assert.notEqual(tokens[0]?.jti, tokens[1]?.jti)
  assert.notEqual(other['check_run_id'], tokens[0]?.['check_run_id'])
})

test('the subject follows environment, pull request and ref, as by default', async (t) => {
  const { idToken } = await github(t)
  const subject = (claims: Parameters<typeof idToken>[0]) => decodeJwt(idToken(claims)).sub
  assert.equal(subject(pushJob()), 'repo:acme/shop:ref:refs/heads/main')
  assert.equal(subject(pushJob('eu: west')), 'repo:acme/shop:environment:eu%3A west')
  assert.equal(subject(pullRequestJob()), 'repo:acme/shop:pull_request')
  assert.equal(subject(pullRequestJob('production')), 'repo:acme/shop:environment:production')
  assert.equal(subject({ ref: 'refs/tags/v1' }), 'repo:acme/shop:ref:refs/tags/v1')
  assert.equal(decodeJwt(idToken(pullRequestJob('production')))['event_name'], 'pull_request')
})

test('only the request token of the job opens its door', async (t) => {
  const { job, seen } = await github(t)
  const [one, other] = [job(), job()]
  assert.equal((await ask(one, 'a', other.requestToken)).status, 401)
  assert.equal((await ask(one, 'a', '')).status, 401)
  assert.equal((await ask(one, 'a')).status, 200)
  assert.deepEqual(
    seen.map(({ status }) => status),
    [401, 401, 200],
  )
})

test('the request token is signed by the same key and proves nothing', async (t) => {
  const { issuer, job, kid } = await github(t)
  const { requestToken } = job()
  const { payload, protectedHeader } = await jwtVerify(requestToken, await keysOf(issuer), { issuer })
  assert.equal(protectedHeader.kid, kid())
  assert.match(String(payload.aud), /^vso:[0-9a-f-]{36}$/)
  assert.equal(payload.sub, undefined)
  assert.equal(payload.jti, undefined)
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 22_200)
})

test('a new key signs at once, and the old one stays published unless it is forgotten', async (t) => {
  const { issuer, idToken, rotate, kid } = await github(t)
  const [before, first] = [idToken(), kid()]
  rotate()
  assert.notEqual(kid(), first)
  for (const token of [before, idToken()]) await jwtVerify(token, await keysOf(issuer))
  rotate(true)
  await assert.rejects(jwtVerify(before, await keysOf(issuer)), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
})

test('claims, header and clock are the test’s to bend', async (t) => {
  const { idToken } = await github(t, { now: () => 1_790_000_000_000 })
  const token = idToken(
    { aud: 'x', jti: undefined, exp: 1, sub: 'me' },
    { header: { kid: undefined, typ: 'at+jwt' } },
  )
  const { aud, jti, exp, iat, sub } = decodeJwt(token)
  assert.deepEqual(
    { aud, jti, exp, iat, sub },
    { aud: 'x', jti: undefined, exp: 1, iat: 1_790_000_000, sub: 'me' },
  )
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  assert.equal(header.kid, undefined)
  assert.equal(header.typ, 'at+jwt')
})

test('each fault is one that a client can see, and is gone when it is taken away', async (t) => {
  const { issuer, faults } = await github(t)
  const jwks = () =>
    fetch(`${issuer}/.well-known/jwks`, { redirect: 'manual', signal: AbortSignal.timeout(200) })
  faults.jwks = { kind: 'down' }
  await assert.rejects(jwks(), /fetch failed/)
  faults.jwks = { kind: 'silent' }
  await assert.rejects(jwks(), /timeout/)
  faults.jwks = { kind: 'slow', ms: 50 }
  assert.equal((await jwks()).status, 200)
  faults.jwks = { kind: 'status', status: 503, headers: { 'retry-after': '9' } }
  assert.equal((await jwks()).headers.get('retry-after'), '9')
  faults.jwks = { kind: 'redirect', to: 'http://127.0.0.1:1/' }
  assert.equal((await jwks()).status, 302)
  faults.jwks = { kind: 'huge', bytes: 3_000_000 }
  assert.ok((await (await jwks()).text()).length > 3_000_000)
  faults.jwks = { kind: 'lying', body: '{"keys":[]}' }
  assert.equal(await (await jwks()).text(), '{"keys":[]}')
  delete faults.jwks
  const { keys } = (await (await jwks()).json()) as { keys: { kty: string }[] }
  assert.equal(keys[0]?.kty, 'RSA')
})

test('the end of a job is told by a webhook that is signed over its bytes', async (t) => {
  const { job, completeJob } = await github(t)
  const one = job(pushJob('production'))
  const deliveries: { headers: Record<string, unknown>; body: string }[] = []
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(202).end()
  }).listen(0, '127.0.0.1')
  t.after(() => receiver.close())
  await new Promise((resolve) => receiver.once('listening', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/github`
  assert.equal((await completeJob(one, url, 'hush', 'cancelled')).status, 202)

  const [{ headers, body } = { headers: {}, body: '' }] = deliveries
  assert.equal(headers['x-github-event'], 'workflow_job')
  assert.match(String(headers['x-github-delivery']), /^[0-9a-f-]{36}$/)
  const digest = createHmac('sha256', 'hush').update(body).digest('hex')
  assert.equal(headers['x-hub-signature-256'], `sha256=${digest}`)
  const event = JSON.parse(body)
  assert.equal(event.action, 'completed')
  assert.equal(event.workflow_job.conclusion, 'cancelled')
  assert.equal(event.workflow_job.check_run_url.split('/').at(-1), one.claims['check_run_id'])
  assert.equal(event.workflow_job.run_id, Number(one.claims['run_id']))
  assert.equal(event.workflow_job.run_attempt, 1)
  assert.equal(event.repository.full_name, 'acme/shop')
})
