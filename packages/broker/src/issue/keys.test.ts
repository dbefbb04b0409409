import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { cache, events, maxToken, newStore, open, record } from '../../test/keys.ts'
import { Secret } from '../base/secret.ts'
import type { KeyRecord } from '../store/store.ts'
import type { PublishedKey } from './key-ring.ts'
import { openKeys } from './keys.ts'
import { openSeal } from './seal.ts'

function verifies(key: PublishedKey | undefined, input: string, signature: Uint8Array): boolean {
  if (key === undefined) return false
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' })
  return verify('sha256', Buffer.from(input), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}

test('the first key signs at once, is published with public members only, and is in the log', async () => {
  const store = await newStore()
  const keys = await open(store, fakeTools())
  const signer = keys.signer()
  const [published, ...more] = keys.jwks().keys
  assert.equal(more.length, 0)
  assert.deepEqual(Object.keys(published ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  assert.equal(published?.kid, signer.kid)
  assert.ok(verifies(published, 'a.b', signer.sign('a.b')))
  assert.deepEqual(
    (await events(store)).map((event) => [event['type'], event['kid']]),
    [['key.created', signer.kid]],
  )
  const [kept] = await store.keys('token')
  assert.ok(kept !== undefined && !/"d"/.test(kept.publicJwk))
})

test('a start with another master key says what is wrong', async () => {
  const store = await newStore()
  await open(store, fakeTools())
  const other = openSeal(new Secret(randomBytes(32).toString('hex')), { randomBytes })
  const parts = { store, tools: fakeTools(), record, purpose: 'token', rotateEverySeconds: 86_400 } as const
  await assert.rejects(openKeys({ ...parts, seal: other, maxTokenSeconds: maxToken, cacheSeconds: cache }), {
    detail: /keys.encryption/,
  })
})

test('a row that somebody wrote into the database is never published', async () => {
  const store = await newStore()
  const tools = fakeTools()
  const honest = await open(store, tools)
  const [kept] = await store.keys('token')
  assert.ok(kept)
  const forged: KeyRecord[] = [
    { ...kept, kid: 'mine' },
    { ...kept, purpose: 'log' },
    { ...kept, publicJwk: '{"kty":"EC","crv":"P-256","x":"mine","y":"mine"}' },
  ]
  const [first, second, third] = forged.map((row) => ({ commit: store.commit, keys: async () => [row] }))
  assert.ok(first && second && third)
  await assert.rejects(open(first, tools), { code: 'internal' })
  await assert.rejects(open(second, tools), { code: 'internal' })
  assert.deepEqual((await open(third, tools)).jwks(), honest.jwks())
})
