import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCompact, tokenLimit, unverifiedIssuer } from './compact.ts'

const encode = (content: string | Uint8Array) => Buffer.from(content).toString('base64url')
const header = '{"alg":"RS256","kid":"k"}'
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const parts = fc.record({
  kid: fc.string({ minLength: 1, maxLength: 20 }).filter((kid) => !/[\u0000-\u001f\u007f]/.test(kid)),
  alg: fc.string({ maxLength: 10 }).filter((alg) => !/[\u0000-\u001f\u007f]/.test(alg)),
  typ: fc.option(fc.constantFrom('JWT', 'at+jwt', ''), { nil: undefined }),
  claims: fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[ -~]{0,20}$/)),
  ),
  signature: fc.uint8Array({ minLength: 1, maxLength: 300 }),
})

function tokenOf({
  kid,
  alg,
  typ,
  claims,
  signature,
}: typeof parts extends fc.Arbitrary<infer T> ? T : never) {
  return `${encode(JSON.stringify({ alg, kid, typ }))}.${encode(JSON.stringify(claims))}.${encode(signature)}`
}

test('a header that was refused is refused again, also among many others', () => {
  const body = `${encode('{"iss":"i"}')}.${encode('s')}`
  const bad = `${encode('{"alg":"RS256","kid":"k","jwk":{}}')}.${body}`
  for (let i = 0; i < 200; i++) {
    assert.throws(() => parseCompact(bad), TypeError)
    assert.equal(parseCompact(`${encode(`{"alg":"RS256","kid":"k${i}"}`)}.${body}`).kid, `k${i}`)
    assert.equal(parseCompact(`${encode(header)}.${body}`).kid, 'k')
  }
})

test('a canonical token is taken apart into exactly what was put in', () => {
  fc.assert(
    fc.property(parts, (made) => {
      const token = tokenOf(made)
      const compact = parseCompact(token)
      assert.equal(compact.algorithm, made.alg)
      assert.equal(compact.kid, made.kid)
      assert.equal(compact.typ, made.typ)
      assert.equal(JSON.stringify(compact.claims), JSON.stringify(made.claims))
      assert.deepEqual(compact.signature, Buffer.from(made.signature))
      assert.equal(compact.signed.toString(), token.slice(0, token.lastIndexOf('.')))
      const [head = '', body = ''] = token.split('.')
      assert.equal(
        `${encode(Buffer.from(head, 'base64url'))}.${encode(Buffer.from(body, 'base64url'))}.${encode(compact.signature)}`,
        token,
      )
    }),
  )
})

test('every other spelling of the same bytes is refused', () => {
  fc.assert(
    fc.property(parts, fc.nat({ max: 2 }), (made, which) => {
      const token = tokenOf(made)
      const pieces = token.split('.')
      const piece = pieces[which] ?? ''
      const bytes = Buffer.from(piece, 'base64url')
      const last = alphabet.indexOf(piece.slice(-1))
      const respelled = [...alphabet]
        .map((character) => piece.slice(0, -1) + character)
        .filter((each) => each !== piece && Buffer.from(each, 'base64url').equals(bytes))
      const unused = [0, 0, 15, 3][piece.length % 4] ?? 0
      assert.equal(respelled.length, unused, `last character ${last}`)
      const plain = bytes.toString('base64')
      // One character over is six bits that no byte needs; decoders drop it.
      const over = piece.length % 4 === 0 ? [...alphabet].map((character) => piece + character) : []
      const all = [...respelled, ...over, `${piece}=`, `${piece}==`, ...(plain === piece ? [] : [plain])]
      for (const each of all) {
        assert.throws(() => parseCompact(pieces.with(which, each).join('.')), TypeError)
      }
    }),
  )
})

test('a character that is not of the alphabet is refused wherever it stands', () => {
  const token = `${encode(header)}.${encode('{"iss":"https://i"}')}.${encode('signature')}`
  parseCompact(token)
  const strange = fc
    .string({ minLength: 1, maxLength: 2, unit: 'binary' })
    .filter((text) => !/^[A-Za-z0-9_-]+$/.test(text))
  fc.assert(
    fc.property(strange, fc.nat({ max: token.length }), (text, at) => {
      assert.throws(() => parseCompact(token.slice(0, at) + text + token.slice(at)), TypeError)
    }),
  )
})

test('each part has to be there', () => {
  const [head, body, signature] = [encode(header), encode('{"iss":"https://i"}'), encode('signature')]
  parseCompact(`${head}.${body}.${signature}`)
  const cut = [
    `${head}.${body}.`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `${head}.${body}`,
    '..',
    '.',
    '',
  ]
  const more = [`${head}.${body}.${signature}.`, `${head}.${body}.${signature}.${signature}`]
  for (const token of [...cut, ...more])
    assert.throws(() => parseCompact(token), /^TypeError: not a compact JWS$/)
})

test('no character of all but those of the alphabet stands for one of them', () => {
  const token = `${encode(header)}.${encode('{"iss":"https://i"}')}.${encode('signature')}`
  const middle = token.indexOf('.') + 4
  for (let unit = 0; unit <= 0xffff; unit++) {
    const strange = String.fromCharCode(unit)
    if (alphabet.includes(strange) || strange === '.') continue
    for (const at of [0, middle, token.length - 1])
      for (const rest of [at, at + 1])
        assert.throws(() => parseCompact(token.slice(0, at) + strange + token.slice(rest)), TypeError)
  }
})

test('whatever is given is parsed or refused with a TypeError that quotes nothing', () => {
  const some = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{0,30}$/), { maxLength: 6 }).map((list) => list.join('.')),
    fc.tuple(fc.string(), fc.string(), fc.string()).map((list) => list.map(encode).join('.')),
  )
  fc.assert(
    fc.property(some, (text) => {
      assert.throws(
        () => parseCompact(text),
        (thrown) => thrown instanceof TypeError && (text.length < 12 || !thrown.message.includes(text)),
      )
    }),
  )
})

test('a token has at most 8192 characters, and a kid 128', () => {
  assert.equal(tokenLimit, 8192)
  const kid = (length: number) =>
    `${encode(`{"alg":"RS256","kid":"${'k'.repeat(length)}"}`)}.${encode('{}')}.AA`
  assert.equal(parseCompact(kid(128)).kid.length, 128)
  for (const length of [0, 129]) assert.throws(() => parseCompact(kid(length)), /no key named/)
  assert.throws(() => parseCompact('a'.repeat(8193)), /longer than any token/)
})

test('the header has only parameters that we know', () => {
  const token = (text: string) => `${encode(text)}.${encode('{}')}.AA`
  parseCompact(token('{"alg":"RS256","kid":"k","typ":"JWT","x5t":"a","x5t#S256":"b"}'))
  for (const name of [
    'jwk',
    'jku',
    'x5u',
    'x5c',
    'crit',
    'b64',
    'cty',
    'enc',
    'zip',
    'p2c',
    'epk',
    'nonce',
    'ALG',
    'toString',
  ])
    assert.throws(() => parseCompact(token(`{"alg":"RS256","kid":"k","${name}":1}`)), /header parameter/)
})

test('the issuer of a token that nobody verified is its text, or nothing', () => {
  const of = (claims: string) => unverifiedIssuer(parseCompact(`${encode(header)}.${encode(claims)}.AA`))
  assert.equal(of('{"iss":"https://i"}'), 'https://i')
  for (const claims of ['{}', '{"iss":1}', '{"iss":null}', '{"iss":["https://i"]}'])
    assert.equal(of(claims), undefined)
})
