import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { Secret } from './secret.ts'

const value = 'correct horse battery staple'
const secret = new Secret(value)

test('every way of printing a secret shows its fingerprint only', () => {
  const printed = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: { list: [secret] } }, { depth: 9, showHidden: true }),
    format('%s %o %j', secret, secret, secret),
  ]
  for (const text of printed) {
    assert.doesNotMatch(text, /horse/)
    assert.match(text, /sha256:[0-9a-f]{12}/)
  }
  assert.deepEqual(Object.keys(secret), [])
})

test('a secret reveals itself only when asked', () => {
  assert.equal(secret.reveal(), value)
})

test('secrets compare by content', () => {
  assert.equal(secret.equals(value), true)
  assert.equal(secret.equals(`${value} `), false)
  assert.equal(secret.equals(''), false)
})
