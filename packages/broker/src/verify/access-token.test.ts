import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { newSigningKey, signToken } from '../../../../test/fakes/signing-key.ts'
import { Failure } from '../base/failure.ts'
import { type AccessTokenOptions, verifyAccessToken } from './access-token.ts'

const issuer = 'https://mayfly.example'
const now = 1_790_000_000
const key = newSigningKey('ours-1', 'ES256')
const stranger = newSigningKey('ours-1', 'ES256')
const rsa = newSigningKey('rsa', 'RS256')
const large = newSigningKey('large', 'ES384')
const ours = new Map([key, rsa, large].map((each) => [each.kid, createPublicKey(each.privateKey)]))
const options: AccessTokenOptions = { issuer, publicKey: (kid) => ours.get(kid), now }
const claims = {
  iss: issuer,
  sub: 'github/repository_id:9001',
  aud: 'https://orders.example',
  client_id: 'github',
  jti: 'ls_1',
  iat: now - 10,
  exp: now + 300,
  scope: 'read  write',
}

const token = (changes: object = {}, header: object = {}) =>
  signToken(key, { ...claims, ...changes }, { typ: 'at+jwt', ...header })

function refuses(made: string, reason: RegExp, changes: Partial<AccessTokenOptions> = {}): void {
  assert.throws(
    () => verifyAccessToken(made, { ...options, ...changes }),
    (thrown) => {
      assert.ok(thrown instanceof Failure && thrown.code === 'subject_token_invalid', String(thrown))
      assert.match(thrown.reason, reason)
      return true
    },
  )
}

test('one of our access tokens says whose it is, for whom, and until when (RFC 9068 2.2)', () => {
  assert.deepEqual(verifyAccessToken(token(), options), {
    leaseId: 'ls_1',
    subject: 'github/repository_id:9001',
    audience: 'https://orders.example',
    clientId: 'github',
    scopes: ['read', 'write'],
    actor: undefined,
    issuedAt: now - 10,
    expiresAt: now + 300,
  })
  const acted = verifyAccessToken(
    token({ act: { sub: 'github:actor_id:7', act: { sub: 'before' } } }),
    options,
  )
  assert.equal(acted.actor, 'github:actor_id:7', 'whoever acted before is history (RFC 8693 4.1)')
  assert.deepEqual(verifyAccessToken(token({ scope: undefined }), options).scopes, [])
  assert.deepEqual(verifyAccessToken(token({ scope: '' }, { typ: 'application/at+jwt' }), options).scopes, [])
})

test('a token ends with its second: there is no leeway with our own clock', () => {
  verifyAccessToken(token({ exp: now + 1 }), options)
  refuses(token({ exp: now }), /expired/)
  refuses(token({ exp: now - 30 }), /expired/)
})

test('A63 a token of another type or issuer is not ours', () => {
  for (const typ of ['JWT', undefined, 'at+JWT ', 'dpop+jwt', ''])
    refuses(token({}, { typ }), /not an access token/)
  for (const iss of [`${issuer}/`, 'https://other.example', undefined, null, [issuer]])
    refuses(token({ iss }), /not a token of ours/)
})

test('only the algorithm that we sign with is believed', () => {
  for (const alg of ['none', 'HS256', 'ES384', 'RS256', 'EdDSA']) refuses(token({}, { alg }), /algorithm/)
  for (const other of [rsa, large]) refuses(signToken(other, claims, { typ: 'at+jwt' }), /algorithm/)
})

test('only a key of ours that is still known counts, and only its signature', () => {
  refuses(token({}, { kid: 'gone' }), /a key that is not ours/)
  refuses(token(), /a key that is not ours/, { publicKey: () => undefined })
  refuses(signToken(stranger, claims, { typ: 'at+jwt' }), /signature/)
  const [head = '', , signature = ''] = token().split('.')
  const [, body = ''] = token({ sub: 'somebody else' }).split('.')
  refuses(`${head}.${body}.${signature}`, /signature/)
  refuses(signToken({ ...key, kid: large.kid }, claims, { typ: 'at+jwt' }), /signature/)
})

test('what every token of ours has must be there, as what it is', () => {
  for (const name of ['jti', 'sub', 'aud', 'client_id'])
    for (const value of [undefined, null, 1, ['x'], {}])
      refuses(token({ [name]: value }), new RegExp(`no ${name}`))
  for (const name of ['exp', 'iat'])
    for (const value of [undefined, null, '1', 1.5, [], true])
      refuses(token({ [name]: value }), new RegExp(`no ${name}`))
})

test('what is no token is refused like any other', () => {
  for (const made of ['', 'x', 'a.b.c', `${token()}=`, ` ${token()}`, 'a'.repeat(9000)]) refuses(made, /./)
  refuses(token({}, { crit: ['exp'] }), /header parameter/)
})
