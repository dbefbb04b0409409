/** Key sets that are ambiguous, weak, stale or asked for too often. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import { fetchDocument } from '../../packages/broker/src/verify/fetch-document.ts'
import { openSubjectVerifier, type SubjectVerifier } from '../../packages/broker/src/verify/subject.ts'
import { type FakeTools, fakeTools } from '../fakes/clock.ts'
import { type FakeIssuer, startIssuer } from '../fakes/issuer.ts'
import { ours, platformClaims } from '../fakes/platform-claims.ts'
import { newSigningKey, part, type SigningKey, signToken } from '../fakes/signing-key.ts'
import { githubClaims, githubScene, issuerWith, refuses, rsaKey } from './verification.ts'

const other = newSigningKey('rsa-2')

/** A verifier that reads this issuer's keys. */
function reading(issuer: FakeIssuer, tools: FakeTools = fakeTools()) {
  const settings = { preset: 'github-actions', issuer: issuer.url, dangerously_allow_http: true }
  const opened = issuerWith(settings, tools, { fetch: fetchDocument })
  const verifier = openSubjectVerifier([opened], { url: ours })
  const token = (key: SigningKey, header = {}) => signToken(key, githubClaims({ iss: issuer.url }), header)
  return { verifier, token, tools }
}

const unavailable = (verifier: SubjectVerifier, token: string) =>
  assert.rejects(
    verifier.verify(token),
    (thrown) => thrown instanceof Failure && thrown.code === 'provider_unavailable',
  )

test('A71 a thousand unknown names cause one reading, and a rotation is seen after the cool-down', async () => {
  await using issuer = await startIssuer([rsaKey])
  const { verifier, token, tools } = reading(issuer)
  await verifier.verify(token(rsaKey))
  tools.advance(30_000)
  const flood = Array.from({ length: 1000 }, (_, i) => token(rsaKey, { kid: `flood-${i}` }))
  await Promise.all(flood.map((each) => refuses(verifier, each, /a key that the issuer does not have/)))
  assert.equal(issuer.fetches(), 2)
  issuer.keys = [other]
  await refuses(verifier, token(other), /does not have/)
  tools.advance(30_000)
  await verifier.verify(token(other))
  assert.equal(issuer.fetches(), 3)
  await refuses(verifier, token(rsaKey), /does not have/)
})

test('A72 a kid is a name and nothing else', async () => {
  await using issuer = await startIssuer([rsaKey])
  const { verifier, token } = reading(issuer)
  const kids = [
    '../../../../etc/passwd',
    '/dev/null',
    'https://evil.example/keys',
    "' or 1=1 --",
    '$(id)',
    '__proto__',
    'constructor',
    'size',
    'rsa-1 ',
    'RSA-1',
    '*',
    '\u202e1-asr',
  ]
  for (const kid of kids) await refuses(verifier, token(rsaKey, { kid }), /does not have/)
  await refuses(verifier, token(rsaKey, { kid: 'rsa-1\0' }), /control character/)
  await refuses(verifier, token(rsaKey, { kid: 'k'.repeat(6000) }), /no key named|longer than/)
  assert.deepEqual(issuer.requests, ['/.well-known/openid-configuration', '/keys'])
})

test('A73 a token that names no key is refused, also where there is only one', async () => {
  const { verifier, token } = githubScene()
  for (const kid of [undefined, '', null, 1, ['rsa-1']])
    await refuses(verifier, token({}, { kid }), /no key named/)
})

test('A74 a set with two keys of one name, a symmetric or a private key is refused whole', async () => {
  const secret = rsaKey.privateKey.export({ format: 'jwk' })
  const sets: readonly (readonly unknown[])[] = [
    [rsaKey.jwk, rsaKey.jwk],
    [rsaKey.jwk, { ...other.jwk, kid: rsaKey.kid }],
    [{ ...other.jwk, kid: rsaKey.kid }, rsaKey.jwk],
    [rsaKey.jwk, { kty: 'oct', kid: 'sym', k: 'c2VjcmV0', alg: 'HS256' }],
    [rsaKey.jwk, { kty: 'oct' }],
    [rsaKey.jwk, { ...secret, kid: 'private' }],
    [{ ...rsaKey.jwk, d: secret.d }],
    [{ ...rsaKey.jwk, p: 'AA' }],
    [rsaKey.jwk, { ...other.jwk, k: 'AA' }],
    [rsaKey.jwk, 'text'],
    [rsaKey.jwk, null],
    Array.from({ length: 51 }, (_, i) => ({ ...rsaKey.jwk, kid: i === 0 ? rsaKey.kid : `k${i}` })),
  ]
  for (const keys of sets) {
    await using issuer = await startIssuer([])
    issuer.jwks = { keys }
    const { verifier, token } = reading(issuer)
    await unavailable(verifier, token(rsaKey))
    assert.throws(() => issuerWith({ preset: 'github-actions', jwks: { keys } }, fakeTools()))
  }
})

/** The signature that e=1 makes of anything: the padded digest itself. */
function forgedWithExponentOne(issuer: string, n: string): string {
  const signed = `${part('{"alg":"RS256","kid":"weak"}')}.${part(JSON.stringify(githubClaims({ iss: issuer })))}`
  const digest = createHash('sha256').update(signed).digest()
  const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest])
  const size = Buffer.from(n, 'base64url').length
  const fill = Buffer.alloc(size - 3 - info.length, 0xff)
  return `${signed}.${part(Buffer.concat([Buffer.of(0, 1), fill, Buffer.of(0), info]))}`
}

test('A75 RSA keys that are short, huge or have another exponent are no keys', async () => {
  const short = newSigningKey('weak', 'RS256', 1024)
  const almost = newSigningKey('weak', 'RS256', 2040)
  const three = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
  const threeJwk = three.publicKey.export({ format: 'jwk' })
  const modulus = String(rsaKey.jwk['n'])
  const zeros = Buffer.concat([Buffer.alloc(128), Buffer.from(String(short.jwk['n']), 'base64url')])
  const weak = (members: object) => ({ kty: 'RSA', kid: 'weak', alg: 'RS256', use: 'sig', ...members })
  const keys = [
    short.jwk,
    almost.jwk,
    weak({ n: zeros.toString('base64url'), e: 'AQAB' }),
    weak({ n: threeJwk.n, e: threeJwk.e }),
    weak({ n: modulus, e: 'AQ' }),
    weak({ n: modulus, e: 'Ag' }),
    weak({ n: modulus, e: 'AQAA' }),
    weak({ n: modulus, e: 'AQABAQAB' }),
    weak({ n: modulus, e: '' }),
    weak({ n: modulus }),
    weak({ n: '', e: 'AQAB' }),
    weak({ n: Buffer.alloc(2048, 0xff).toString('base64url'), e: 'AQAB' }),
  ]
  const tokens = (iss: string) => [
    signToken(short, githubClaims({ iss })),
    signToken({ ...rsaKey, kid: 'weak' }, githubClaims({ iss })),
    signToken({ ...short, privateKey: three.privateKey }, githubClaims({ iss })),
    forgedWithExponentOne(iss, modulus),
  ]
  for (const jwk of keys) {
    await using issuer = await startIssuer([])
    issuer.jwks = { keys: [jwk, other.jwk] }
    const { verifier, token } = reading(issuer)
    await verifier.verify(token(other))
    for (const each of tokens(issuer.url)) await refuses(verifier, each, /does not have/)
    assert.throws(
      () => issuerWith({ preset: 'github-actions', jwks: { keys: [jwk] } }, fakeTools()),
      TypeError,
    )
  }
})

test('A75 a key for another use, algorithm or curve is left out', async () => {
  const ec = newSigningKey('weak', 'ES256')
  const large = newSigningKey('weak', 'ES384')
  const jwks = [
    { ...rsaKey.jwk, kid: 'weak', use: 'enc' },
    { ...rsaKey.jwk, kid: 'weak', alg: 'RSA-OAEP' },
    { ...rsaKey.jwk, kid: 'weak', alg: 'PS256' },
    { ...rsaKey.jwk, kid: 'weak', alg: 7 },
    { ...rsaKey.jwk, kid: 'weak', kty: 'rsa' },
    { ...ec.jwk, crv: 'P-384' },
    { ...ec.jwk, crv: 'secp256k1' },
    { ...ec.jwk, y: ec.jwk['x'] },
    { ...ec.jwk, alg: 'RS256' },
    large.jwk,
    { ...rsaKey.jwk, kid: '' },
    { ...rsaKey.jwk, kid: 5 },
  ]
  for (const jwk of jwks) {
    const settings = { preset: 'kubernetes', issuer: platformClaims.kubernetes.iss, jwks: { keys: [jwk] } }
    assert.throws(() => issuerWith(settings, fakeTools()), TypeError, JSON.stringify(jwk))
  }
})

test('A75 the key says which algorithm it is for, not the token', async () => {
  const [ec, rsa] = [newSigningKey('ec', 'ES256'), rsaKey]
  const claims = platformClaims.kubernetes
  const settings = { preset: 'kubernetes', issuer: claims.iss, jwks: { keys: [ec.jwk, rsa.jwk] } }
  const verifier = openSubjectVerifier([issuerWith(settings, fakeTools())], { url: ours })
  await verifier.verify(signToken(ec, claims))
  await verifier.verify(signToken(rsa, claims))
  for (const [key, alg, kid] of [
    [ec, 'ES256', rsa.kid],
    [rsa, 'RS256', ec.kid],
    [ec, 'RS256', ec.kid],
    [rsa, 'ES256', rsa.kid],
  ] as const)
    await refuses(verifier, signToken(key, claims, { alg, kid }), /another algorithm/)
})

test('A77 without keys a token is not refused but not believed either; known keys end after a day', async () => {
  await using issuer = await startIssuer([rsaKey])
  const { verifier, token, tools } = reading(issuer)
  issuer.fault = 'down'
  await unavailable(verifier, token(rsaKey))
  issuer.fault = undefined
  tools.advance(5000)
  await verifier.verify(token(rsaKey))
  issuer.fault = 'down'
  const later = (ms: number) => {
    tools.advance(ms)
    const iat = Math.floor(tools.now() / 1000)
    return signToken(rsaKey, githubClaims({ iss: issuer.url, iat, nbf: iat, exp: iat + 300 }))
  }
  await verifier.verify(later(86_400_000))
  await issuer.quiet()
  await unavailable(verifier, later(1))
  await unavailable(
    verifier,
    signToken(other, githubClaims({ iss: issuer.url, iat: 1_790_086_405, exp: 1_790_086_500 })),
  )
})
