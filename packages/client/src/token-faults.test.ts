import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenFaults } from './token-faults.ts'

const url = 'https://mayfly.example.com'
const now = 1_800_000_000
const good = { iss: 'https://issuer.example', aud: url, iat: now - 5, nbf: now - 5, exp: now + 300 }

function faults(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return tokenFaults(`${encode({ alg: 'RS256' })}.${encode(claims)}.c2ln`, url, now).join('\n')
}

test('a token for somebody else, or of another time, is told from one that only was used before', () => {
  assert.match(
    faults({ ...good, aud: 'https://github.com/acme' }),
    /is for https:\/\/github.com\/acme\. Ask .* exactly https:\/\/mayfly/,
  )
  assert.match(faults({ ...good, aud: [url, 'b'] }), /is for \["https/)
  assert.match(faults({ ...good, aud: undefined }), /is for "nothing"/)
  assert.match(faults({ ...good, exp: now - 3_600 }), /ended 3600 s ago/)
  assert.match(faults({ ...good, iat: now + 900 }), /900 s from now by the broker's clock/)
  assert.match(faults(good), /used once.*https:\/\/issuer\.example/)
  assert.match(faults({ ...good, aud: [url], exp: now - 30, iat: now + 30 }), /Nothing is plainly wrong/)
})

test('what is no token is said to be none, whatever it holds', () => {
  for (const text of ['', 'a.b', 'a.b.c', 'a.e30.c.d', 'a.%%%.c', 'x.W10.y'])
    assert.match(tokenFaults(text, url, now).join(), /no identity token/, text)
})
