import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSigningKey } from '../../../../test/fakes/signing-key.ts'
import { readKeySet } from './key-set.ts'

test('a key that says it is for something else than verifying is left out', () => {
  const { jwk } = newSigningKey('key-1')
  const usable = (more: object) => readKeySet({ keys: [{ ...jwk, ...more }] }, ['RS256']).size
  assert.equal(usable({}), 1)
  assert.equal(usable({ key_ops: ['verify'] }), 1)
  for (const key_ops of [['encrypt'], ['sign'], [], 'verify', null]) assert.equal(usable({ key_ops }), 0)
})
