/** Tokens that are written in a way no honest issuer writes them. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSigningKey, part, signatureOf, signTexts, signToken } from '../fakes/signing-key.ts'
import { githubClaims, githubScene, refuses, rsaKey } from './verification.ts'

const { verifier, token } = githubScene()
const good = token()
const [head = '', body = '', signature = ''] = good.split('.')
const payload = JSON.stringify(githubClaims())
const header = JSON.stringify({ alg: 'RS256', kid: rsaKey.kid, typ: 'JWT' })

test('the token that the attacks start from is accepted', async () => {
  const principal = await verifier.verify(good)
  assert.equal(principal.subject, 'repo:acme/shop:ref:refs/heads/main')
  assert.deepEqual(principal.job, { issuer: 'ci', id: '72000000001', run: '24700000001/1' })
  await verifier.verify(signTexts(rsaKey, header, payload))
})

test('A39 a token has one spelling: padding, white space, other alphabets and unused bits are refused', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(signature.slice(-1))
  // 256 bytes leave four bits unused: 15 other last characters give the same bytes.
  const unused = Array.from(
    { length: 15 },
    (_, i) => signature.slice(0, -1) + alphabet.charAt(last ^ (i + 1)),
  )
  for (const each of unused)
    assert.deepEqual(Buffer.from(each, 'base64url'), Buffer.from(signature, 'base64url'))
  const spellings = [
    ...unused.map((each) => `${head}.${body}.${each}`),
    `${good}=`,
    `${good}==`,
    `${good}\n`,
    `\n${good}`,
    ` ${good}`,
    `${good} `,
    `${good}\0`,
    `${head}.${body}.${signature.slice(0, 9)} ${signature.slice(9)}`,
    `${head}.${body}.${signature.slice(0, 9)}\n${signature.slice(9)}`,
    `${head}.${body}.${signature.slice(0, 9)}=${signature.slice(9)}`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}.${Buffer.from(signature, 'base64url').toString('base64').replaceAll('=', '')}/`,
    `${head}.${body}.${signature}\u2028`,
    `${head}.${body}.${signature.replace(/^./, '\uff21')}`,
  ]
  for (const each of spellings) await refuses(verifier, each, /not a compact JWS|not canonical/)
})

test('A49 a token that brings its key, or says where one is, is refused without a look at it', async () => {
  const foreign = newSigningKey(rsaKey.kid)
  const headers = [
    { jwk: foreign.jwk },
    { jku: 'https://evil.example/keys' },
    { x5u: 'https://evil.example/chain' },
    { x5c: ['MIIB'] },
    { jwk: rsaKey.jwk },
    { JKU: 'https://evil.example/keys' },
  ]
  // The scene has no network: reaching for one fails the test.
  for (const each of headers) {
    await refuses(verifier, token({}, each), /header parameter/)
    await refuses(verifier, signToken(foreign, githubClaims(), each), /header parameter/)
  }
  await verifier.verify(token({}, { x5t: 'aGFzaA' }))
})

test('A50 crit and b64 are refused in every form', async () => {
  const headers = [
    { crit: ['x'], x: 1 },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { crit: ['b64'], b64: true },
    { b64: false },
    { b64: true },
    { crit: ['exp'] },
    { crit: null },
  ]
  for (const each of headers) await refuses(verifier, token({}, each), /header parameter/)
  const raw = `${part(JSON.stringify({ alg: 'RS256', kid: rsaKey.kid, b64: false, crit: ['b64'] }))}.{}`
  await refuses(verifier, `${raw}.${signatureOf(rsaKey, raw).toString('base64url')}`, /not a compact JWS/)
})

test('A59 a token, a kid, a jti or a sub that is longer than any is refused', async () => {
  // No base64url has 4n + 1 characters, so the header is padded as well.
  const padded = (length: number) => {
    for (let pad = 0; ; pad++) {
      const short = token({ pad: '' }, { x5t: 'x'.repeat(pad % 3) }).length
      const made = token(
        { pad: 'a'.repeat(Math.floor(((length - short) * 3) / 4) - 6 + pad) },
        { x5t: 'x'.repeat(pad % 3) },
      )
      if (made.length === length) return made
    }
  }
  const longest = padded(8192)
  assert.equal(longest.length, 8192)
  await verifier.verify(longest)
  await refuses(verifier, `${longest}A`, /longer than any token/)
  await refuses(verifier, 'a'.repeat(100_000_000), /longer than any token/)
  await refuses(verifier, token({}, { kid: 'k'.repeat(129) }), /no key named/)
  await refuses(verifier, token({ jti: 'j'.repeat(257) }), /jti is too long/)
  await refuses(verifier, token({ sub: 's'.repeat(1025) }), /sub is too long/)
  await verifier.verify(token({ sub: 's'.repeat(1024), jti: 'j'.repeat(256) }))
})

test('A60 a million dots are refused before anything is split', async () => {
  const before = process.memoryUsage().arrayBuffers
  for (const each of [
    '.'.repeat(1_000_000),
    'a.'.repeat(4000),
    '.'.repeat(8000),
    '..',
    'a..b',
    '.a.b',
    'a.b.',
  ])
    await refuses(verifier, each, /longer than any token|not a compact JWS/)
  assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000)
})

test('A62 JWE, JSON serialization, nested and doubled tokens are refused', async () => {
  const json = { payload: body, signatures: [{ protected: head, signature }] }
  const others = [
    `${good}.AA.AA`,
    `${good}.`,
    `${good}.AA`,
    `.${good}`,
    `${head}.${body}`,
    `${head}..${signature}`,
    head,
    '',
    JSON.stringify(json),
    JSON.stringify({ payload: body, protected: head, signature }),
    `Bearer ${good}`,
    `${good},${good}`,
  ]
  for (const each of others) await refuses(verifier, each, /not a compact JWS/)
  await refuses(verifier, token({}, { cty: 'JWT' }), /header parameter/)
  await refuses(verifier, token({}, { enc: 'A256GCM', alg: 'dir' }), /header parameter/)
  await refuses(verifier, token({}, { zip: 'DEF' }), /header parameter/)
  await refuses(verifier, signTexts(rsaKey, header, good), /not JSON/)
  for (const text of ['[]', '"a"', 'null', '1', '', `[${payload}]`])
    await refuses(verifier, signTexts(rsaKey, header, text), /not JSON|not a JSON object|not a compact/)
  await refuses(verifier, signTexts(rsaKey, `[${header}]`, payload), /not a JSON object/)
})

test('A63 a token of another type is no identity token', async () => {
  const types = [
    'at+jwt',
    'application/at+jwt',
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'JWS',
    '',
    'JWT ',
    'JOSE',
  ]
  for (const typ of types) await refuses(verifier, token({}, { typ }), /another type/)
  for (const typ of [1, null, ['JWT'], {}])
    await refuses(verifier, token({}, { typ }), /type that is not text/)
  for (const typ of ['JWT', 'jwt', undefined]) await verifier.verify(token({}, { typ }))
})
