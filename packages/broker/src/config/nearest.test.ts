import assert from 'node:assert/strict'
import { test } from 'node:test'
import { distance, nearest } from './nearest.ts'

test('one slip is one edit: a letter more, less, other, or swapped with its neighbour', () => {
  assert.equal(distance('listen', 'listen'), 0)
  assert.equal(distance('lisen', 'listen'), 1)
  assert.equal(distance('listten', 'listen'), 1)
  assert.equal(distance('lixten', 'listen'), 1)
  assert.equal(distance('lsiten', 'listen'), 1)
  assert.equal(distance('', 'abc'), 3)
})

test('only what is close is suggested, the closest first, and case is no difference', () => {
  const words = ['url', 'listen', 'store', 'issuers', 'policies']
  assert.equal(nearest('issuer', words), 'issuers')
  assert.equal(nearest('Listen', words), 'listen')
  assert.equal(nearest('polcys', words), undefined)
  assert.equal(nearest('uri', words), 'url')
  assert.equal(nearest('x', words), undefined)
  assert.equal(nearest('a'.repeat(10_000), words), undefined)
})
