import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { isRight, readAuthorization } from './authorization.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('Basic and Bearer are read in any case; nothing else is', () => {
  assert.deepEqual(readAuthorization('bEaReR a.b.c'), { scheme: 'Bearer', token: 'a.b.c' })
  assert.deepEqual(readAuthorization(basic('a:b:c%41')), {
    scheme: 'Basic',
    name: 'a',
    passwords: ['b:c%41', 'b:cA'],
  })
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a, Bearer b',
    'Basic',
    basic('a'),
  ]) {
    assert.equal(readAuthorization(header), undefined)
  }
})

test('a password with a broken escape is taken as it is', () => {
  const read = readAuthorization(basic('a:100%'))
  assert.deepEqual(read?.scheme === 'Basic' ? read.passwords : [], ['100%', '100%'])
})

test('nothing is right for a secret that does not exist, the empty text included', () => {
  assert.equal(isRight(undefined, ['']), false)
  assert.equal(isRight(new Secret('x'), ['']), false)
  assert.equal(isRight(new Secret('x'), ['y', 'x']), true)
  assert.equal(isRight(new Secret('x'), []), false)
})
