/** JSON that parsers read differently, or that hurts whoever reads it later. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signTexts } from '../fakes/signing-key.ts'
import { githubClaims, githubScene, refuses, rsaKey } from './verification.ts'

const { verifier, token } = githubScene()
const good = token()
const payload = JSON.stringify(githubClaims())
const header = JSON.stringify({ alg: 'RS256', kid: rsaKey.kid, typ: 'JWT' })

test('A51 a member that stands twice, at any depth and however it is spelt, is refused', async () => {
  const twice = (member: string) => signTexts(rsaKey, header, payload.replace(/^\{/, `{${member},`))
  for (const member of [
    '"aud":"x"',
    '"sub":"x"',
    '"iss":"x"',
    '"exp":1',
    '"s\\u0075b":"x"',
    '"repository_id":"1"',
  ])
    await refuses(verifier, twice(member), /stands twice/)
  await refuses(verifier, twice('"deep":{"a":[{"b":1,"b":1}]}'), /stands twice/)
  for (const text of [header.replace('{', '{"alg":"none",'), header.replace('{', '{"\\u006bid":"x",')])
    await refuses(verifier, signTexts(rsaKey, text, payload), /stands twice/)
  await verifier.verify(twice('"deep":[{"b":1},{"b":1}]'))
})

test('A52 names of JavaScript’s own are refused, and inherited ones are no claims', async () => {
  const { repository: _, ...rest } = githubClaims()
  const text = JSON.stringify(rest)
  for (const name of ['__proto__', 'constructor', 'prototype', '__\\u0070roto__']) {
    const bad = text.replace(/^\{/, `{"${name}":{"repository":"victim/x"},`)
    await refuses(verifier, signTexts(rsaKey, header, bad), /name that none may have/)
    const nested = payload.replace(/^\{/, `{"a":{"${name}":1},`)
    await refuses(verifier, signTexts(rsaKey, header, nested), /name that none may have/)
    const inHeader = header.replace(/^\{/, `{"${name}":{"alg":"none"},`)
    await refuses(verifier, signTexts(rsaKey, inHeader, payload), /name that none may have/)
  }
  await refuses(verifier, signTexts(rsaKey, header, text), /no repository$/)
  const { claims } = await verifier.verify(good)
  assert.equal(Object.getPrototypeOf(claims), null)
  assert.ok(!('toString' in claims))
})

test('A61 claims that are nested deeply are refused, and what is accepted can be written down again', async () => {
  const nested = (depth: number, open: string, close: string) =>
    payload.replace(/^\{/, `{"deep":${open.repeat(depth)}1${close.repeat(depth)},`)
  for (const depth of [16, 17, 400, 1000]) {
    await refuses(
      verifier,
      signTexts(rsaKey, header, nested(depth, '[', ']')),
      /nested too deeply|longer than/,
    )
    await refuses(
      verifier,
      signTexts(rsaKey, header, nested(depth, '{"a":', '}')),
      /nested too deeply|longer than/,
    )
  }
  await refuses(verifier, signTexts(rsaKey, header, nested(20_000, '[', ']')), /longer than any token/)
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const { claims } = await verifier.verify(signTexts(rsaKey, header, nested(15, open, close)))
    assert.ok(JSON.stringify(claims).length > 100)
  }
})

test('A64 bytes that are no UTF-8, a byte order mark and control characters are refused', async () => {
  const bytes = Buffer.from(payload)
  const spoilt = (...extra: number[]) =>
    Buffer.from(bytes.toString('latin1').replace('acme', `ac${String.fromCharCode(...extra)}me`), 'latin1')
  for (const extra of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80]])
    await refuses(verifier, signTexts(rsaKey, header, spoilt(...extra)), /not UTF-8/)
  for (const mark of ['\ufeff', '\u00a0', '\u2028'])
    await refuses(verifier, signTexts(rsaKey, header, mark + payload), /not JSON/)
  await refuses(verifier, signTexts(rsaKey, `\ufeff${header}`, payload), /not JSON/)
  await refuses(verifier, signTexts(rsaKey, header, Buffer.from(payload, 'utf16le')), /not JSON|not UTF-8/)
  for (const text of ['\0', '\n', '\r', '\t', '\u001b', '\u007f']) {
    await refuses(verifier, token({ environment: `prod${text}` }), /control character|not JSON/)
    await refuses(verifier, token({ [`x${text}`]: 1 }), /control character|not JSON/)
    await refuses(verifier, token({ list: [{ deep: text }] }), /control character|not JSON/)
  }
  for (const raw of ['\n', '\0', '\u007f'])
    await refuses(
      verifier,
      signTexts(rsaKey, header, payload.replace('acme', `ac${raw}me`)),
      /not JSON|control/,
    )
  await refuses(verifier, token({ environment: '\ud800' }), /lone surrogate/)
})
