import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { events, newStore, record, seal } from '../../test/keys.ts'
import { openLogKey } from './log-key.ts'

test("the log's key is made once, and signs as Ed25519", async () => {
  const store = await newStore()
  const parts = { store, seal, tools: fakeTools(), record, keyName: 'mayfly.example.com' }
  const [one, other] = await Promise.all([openLogKey(parts), openLogKey(parts)])
  assert.equal(one.publicKey.length, 32)
  assert.deepEqual(one.publicKey, other.publicKey)
  assert.deepEqual((await openLogKey(parts)).publicKey, one.publicKey)
  const x = Buffer.from(one.publicKey).toString('base64url')
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const message = new TextEncoder().encode('mayfly.example.com\n7\n')
  assert.ok(verify(null, message, publicKey, other.sign(message)))
  assert.equal((await events(store)).length, 1)
  for (const keyName of ['', 'two words', 'a+b']) await assert.rejects(openLogKey({ ...parts, keyName }))
})
