import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Json } from './canonical-json.ts'

test('members are sorted by UTF-16 code units and numbers are those of ECMAScript (RFC 8785 3.2.3)', () => {
  const value = {
    '\u20ac': 1,
    '\r': 2,
    '1': 3,
    '\u{1f600}': 4,
    '\ufb33': 5,
    b: [1e21, 0.000001, -0, 4.5],
    a: null,
  }
  assert.equal(
    canonicalJson(value),
    '{"\\r":2,"1":3,"a":null,"b":[1e+21,0.000001,0,4.5],"\u20ac":1,"\u{1f600}":4,"\ufb33":5}',
  )
})

test('what has no canonical form is refused', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udc00': 1 }]) {
    assert.throws(() => canonicalJson(value), TypeError)
  }
})

test('the form depends on the value alone, and reads back as it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const text = canonicalJson(value as Json)
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      assert.equal(canonicalJson(JSON.parse(text) as Json), text)
    }),
  )
})

test('the order in which members were written does not matter', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.integer()), (members) => {
      const reversed = Object.fromEntries(Object.entries(members).reverse())
      assert.equal(canonicalJson(reversed), canonicalJson(members))
    }),
  )
})
