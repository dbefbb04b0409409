import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { jwtVerify } from 'jose'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import type { Json } from '../../../base/canonical-json.ts'
import { newId } from '../../../base/id.ts'
import type { Claims, Credential, Grant, Principal } from '../../../domain.ts'
import { signEs256 } from '../../signature.ts'
import { plain } from './plain.ts'
import { workloadSubject } from './subject.ts'
import { openTokenTarget } from './token.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const url = 'https://mayfly.example.com'
const audience = 'https://orders.example.com'
const now = 1_790_000_000

const github: Claims = {
  repository: 'acme/shop',
  repository_id: '40211',
  repository_owner_id: '77',
  ref: 'refs/heads/main',
  environment: 'production',
  run_id: '9001',
  run_attempt: '1',
  check_run_id: '5551',
}

function principalOf(
  claims: Claims,
  issuer = 'github',
  subject = 'repo:acme/shop:environment:production',
): Principal {
  return {
    issuer,
    iss: 'https://issuer.example',
    subject,
    claims,
    replayKey: 'key',
    replayUntil: now + 900,
    job: { issuer, id: '5551' },
  }
}

function grantOf(over: Partial<Grant> = {}): Grant {
  return {
    leaseId: newId('ls', { now: () => now * 1000, randomBytes }),
    principal: principalOf(github),
    target: 'orders-api',
    kind: 'token',
    settings: { audience, scopes: ['orders:read', 'orders:write'] },
    scopes: ['orders:read', 'orders:write'],
    issuedAt: now,
    expiresAt: now + 600,
    ...over,
  }
}

const open = () =>
  openTokenTarget({
    url,
    signer: () => ({ kid: 'kid-1', algorithm: 'ES256', sign: (input) => signEs256(privateKey, input) }),
    githubIssuers: ['github'],
    maxTokenSeconds: 900,
  })

function claimsOf(credential: Credential): Record<string, unknown> {
  const [, payload = ''] = credential.token.reveal().split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>
}

testTarget('token', {
  open: async () => open(),
  grant: () => grantOf(),
  endsAt: (credential) => Number(claimsOf(credential)['exp']),
})

test('another library accepts it as an access token of RFC 9068, with exactly these claims', async () => {
  const grant = grantOf()
  const credential = await open().issue(grant, null)
  const { payload, protectedHeader } = await jwtVerify(credential.token.reveal(), publicKey, {
    typ: 'at+jwt',
    issuer: url,
    audience,
    algorithms: ['ES256'],
    currentDate: new Date((now + 1) * 1000),
  })
  assert.deepEqual(protectedHeader, { alg: 'ES256', typ: 'at+jwt', kid: 'kid-1' })
  const subject = 'github:repository_id:40211:environment:production'
  assert.deepEqual(payload, {
    iss: url,
    sub: subject,
    aud: audience,
    exp: now + 600,
    iat: now,
    jti: grant.leaseId,
    client_id: subject,
    scope: 'orders:read orders:write',
    repository_id: '40211',
    run_id: '9001',
    check_run_id: '5551',
    environment: 'production',
  })
  assert.equal(credential.issuedTokenType, 'urn:ietf:params:oauth:token-type:access_token')
})

test('a claim that is not what it should be is left out, never passed on', async () => {
  const hostile: Claims = {
    ...github,
    repository_id: '40211"',
    run_id: 9001,
    check_run_id: '-1',
    environment: '',
  }
  const claims = claimsOf(await open().issue(grantOf({ principal: principalOf(hostile), scopes: [] }), null))
  for (const name of ['repository_id', 'run_id', 'check_run_id', 'environment', 'scope'])
    assert.ok(!Object.hasOwn(claims, name), name)
})

test('claims that name a GitHub job are not taken from another issuer', async () => {
  const claims = claimsOf(await open().issue(grantOf({ principal: principalOf(github, 'forge') }), null))
  for (const name of ['repository_id', 'run_id', 'check_run_id', 'environment'])
    assert.ok(!Object.hasOwn(claims, name), name)
  assert.match(String(claims['sub']), /^forge:sub:/)
})

test('line breaks, quotes and markup in an environment arrive as plain text (A86)', async () => {
  const environment = 'prod\nrole: "admin"; --<b>'
  const principal = principalOf({ ...github, environment })
  const claims = claimsOf(await open().issue(grantOf({ principal }), null))
  assert.equal(claims['environment'], 'prod%0Arole%3A%20%22admin%22%3B%20--%3Cb%3E')
  assert.match(String(claims['sub']), /^github:repository_id:40211:environment:[A-Za-z0-9._~@/%=-]+$/)
})

test('a token that would outlive the keys, or never live, is not made', async () => {
  for (const expiresAt of [now + 901, now, now - 1, Number.NaN])
    await assert.rejects(open().issue(grantOf({ expiresAt }), null), { code: 'target_refused' })
})

test('settings without exactly one audience are a fault, not a token for everybody', async () => {
  const bad: Json[] = [null, {}, { audience: '' }, { audience: [audience] }, { audience, audiences: [] }, 'x']
  for (const settings of bad)
    await assert.rejects(open().issue(grantOf({ settings }), null), { code: 'internal' })
  const scopes = { 'orders:read': 'read' }
  await open().issue(grantOf({ settings: { audience, scopes } }), null)
})

const names = new Set(['github'])
const subjectOf = (claims: Claims, issuer?: string, subject?: string) =>
  workloadSubject(principalOf(claims, issuer, subject), names)

test('the subject is made of ids: a renamed repository keeps it, another with its old name does not get it', () => {
  const before = subjectOf(github)
  assert.equal(subjectOf({ ...github, repository: 'acme/store' }, 'github', 'repo:acme/store:x'), before)
  assert.notEqual(subjectOf({ ...github, repository_id: '99' }), before)
  const { environment: _, ...plainJob } = github
  assert.equal(subjectOf(plainJob), 'github:repository_id:40211:ref:refs/heads/main')
})

test('only issuers that are GitHub by configuration have their claims read as such', () => {
  assert.match(subjectOf(github, 'forge'), /^forge:sub:sha256=[A-Za-z0-9_-]{43}$/)
  assert.notEqual(subjectOf(github, 'forge', 'a'), subjectOf(github, 'forge', 'b'))
})

test('every subject is ASCII, at most 127 bytes, and no two workloads share one', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom('a:b', 'a%3Ab', 'a', '', 'sha256=x', 'a\nb', 'ref:x', 'é', '\ud800', '\ud801', 'A', ' '),
  )
  const workload = fc.record({ id: fc.constantFrom('1', '12', '9'.repeat(20)), environment: text, ref: text })
  fc.assert(
    fc.property(workload, workload, (one, other) => {
      const subjects = [one, other].map(({ id, ...claims }) => subjectOf({ repository_id: id, ...claims }))
      for (const subject of subjects) assert.match(subject, /^[A-Za-z0-9._~@/:%=_-]{1,127}$/)
      const same = (['id', 'environment', 'ref'] as const).every((name) => one[name] === other[name])
      const sameEnvironment =
        one.environment !== '' && one.environment === other.environment && one.id === other.id
      const neither = [one, other].every((each) => each.environment === '' && each.ref === '')
      assert.equal(subjects[0] === subjects[1], same || sameEnvironment || neither)
    }),
    { numRuns: 2000 },
  )
})

test('an issuer with a long name still gets subjects that fit', () => {
  const issuer = 'g'.repeat(49)
  const long = workloadSubject(
    principalOf({ ...github, repository_id: '9'.repeat(20) }, issuer),
    new Set([issuer]),
  )
  assert.ok(long.length <= 127)
  assert.match(
    workloadSubject(principalOf(github, 'x'.repeat(500)), names),
    /^sha256=.{43}:sub:sha256=.{43}$/,
  )
})

test('plain text stays within its limit and says different things differently', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      assert.equal(plain(one, 50) === plain(other, 50), one === other)
      assert.ok(plain(one, 50).length <= 50)
    }),
    { numRuns: 2000 },
  )
})
