import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import { type KeyWrap, keyWrapOf, openEnvelope, sealEnvelope } from './envelope.ts'
import { openSeal } from './seal.ts'

const tools = { randomBytes }
const masterWrap = () => keyWrapOf(openSeal(new Secret(randomBytes(32).toString('base64')), tools))

/** A key that never leaves its place, which counts what it is asked and can be away. */
function kms(): KeyWrap & { asked: number; away: boolean; seen: Uint8Array[] } {
  const key = randomBytes(32)
  const self = {
    asked: 0,
    away: false,
    seen: [] as Uint8Array[],
    async wrap(context: string, bytes: Uint8Array) {
      ask(bytes)
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    async unwrap(context: string, wrapped: Uint8Array) {
      ask(wrapped)
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(Buffer.from(context)).setAuthTag(wrapped.subarray(-16))
      return Buffer.concat([decipher.update(wrapped.subarray(12, -16)), decipher.final()])
    },
  }
  const ask = (bytes: Uint8Array) => {
    self.asked++
    self.seen.push(Uint8Array.from(bytes))
    if (self.away) throw new Failure('provider_unavailable', { reason: 'the KMS does not answer' })
  }
  return self
}

const secret = Buffer.from('npm_0123456789')

for (const [name, open] of [
  ['the master key', masterWrap],
  ['a KMS', kms],
] as const) {
  test(`under ${name} an envelope opens in its own place, and nowhere else`, async () => {
    const wrap: KeyWrap = open()
    const sealed = await sealEnvelope(wrap, 'secret npm', secret, tools)
    assert.deepEqual(Buffer.from(await openEnvelope(wrap, 'secret npm', sealed)), secret)
    assert.ok(!Buffer.from(sealed).includes(secret))
    await assert.rejects(openEnvelope(wrap, 'secret pypi', sealed))
    await assert.rejects(openEnvelope(open(), 'secret npm', sealed))
    const again = await sealEnvelope(wrap, 'secret npm', secret, tools)
    assert.ok(!Buffer.from(again).equals(Buffer.from(sealed)), 'each has a key of its own')
  })
}

test('no bit of an envelope can be changed, no end cut off, no key exchanged', async () => {
  const wrap = masterWrap()
  const sealed = Buffer.from(await sealEnvelope(wrap, 'c', secret, tools))
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    await assert.rejects(openEnvelope(wrap, 'c', changed), { code: 'internal' }, `byte ${at}`)
    await assert.rejects(openEnvelope(wrap, 'c', sealed.subarray(0, at)), { code: 'internal' })
  }
})

test('a KMS sees keys and no secret, and one that is away is unavailable', async () => {
  const wrap = kms()
  const sealed = await sealEnvelope(wrap, 'c', secret, tools)
  await openEnvelope(wrap, 'c', sealed)
  assert.equal(wrap.asked, 2)
  assert.equal(wrap.seen[0]?.length, 32)
  assert.ok(wrap.seen.every((bytes) => !Buffer.from(bytes).includes(secret)))
  wrap.away = true
  await assert.rejects(openEnvelope(wrap, 'c', sealed), { code: 'provider_unavailable' })
  await assert.rejects(sealEnvelope(wrap, 'c', secret, tools), { code: 'provider_unavailable' })
})

test('a wrapper that gives back something else is told', async () => {
  const short = { wrap: async () => Buffer.alloc(0), unwrap: async () => Buffer.alloc(8) }
  await assert.rejects(sealEnvelope(short, 'c', secret, tools), { code: 'internal', reason: /no fit size/ })
  const sealed = await sealEnvelope(kms(), 'c', secret, tools)
  await assert.rejects(openEnvelope(short, 'c', sealed), { code: 'internal', reason: /another size/ })
})

test('a KMS that knows no context still opens no envelope in another place', async () => {
  const inner = kms()
  const blind: KeyWrap = {
    wrap: (_, key) => inner.wrap('', key),
    unwrap: (_, wrapped) => inner.unwrap('', wrapped),
  }
  const sealed = await sealEnvelope(blind, 'secret npm', secret, tools)
  assert.deepEqual(Buffer.from(await openEnvelope(blind, 'secret npm', sealed)), secret)
  await assert.rejects(openEnvelope(blind, 'secret pypi', sealed), { code: 'internal' })
})
