import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Json } from '../base/canonical-json.ts'
import type { AuditEvent } from '../domain.ts'
import { encodeEvent } from './events.ts'

const tools = { now: () => 1_790_000_000_123, randomBytes }

function refused(claims: Record<string, Json>): AuditEvent {
  return { type: 'credential.refused', code: 'target_refused', reason: 'why', via: 'token-exchange', claims }
}

function decode(event: AuditEvent): Record<string, unknown> {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(encodeEvent(event, tools).bytes))
}

test('an entry says what happened, when, and under which id', () => {
  const { id, bytes } = encodeEvent(refused({ ref: 'refs/heads/main' }), tools)
  const text = new TextDecoder().decode(bytes)
  assert.equal(canonicalJson(JSON.parse(text)), text)
  assert.deepEqual(JSON.parse(text), {
    v: 1,
    id,
    at: 1_790_000_000_123,
    type: 'credential.refused',
    code: 'target_refused',
    reason: 'why',
    via: 'token-exchange',
    claims: { ref: 'refs/heads/main' },
  })
})

test('any claims at all give one line of valid UTF-8 below the limit', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 12, stringUnit: 'binary' })),
      (claims) => {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(
          encodeEvent(refused(claims as Record<string, Json>), tools).bytes,
        )
        assert.doesNotMatch(text, /[\u0000-\u001f]/)
        assert.ok(Buffer.byteLength(text) <= 32_768)
      },
    ),
  )
})

test('the quick way and the long way write the same', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => {
      const text = new TextDecoder().decode(encodeEvent(refused(claims as Record<string, Json>), tools).bytes)
      assert.equal(canonicalJson(JSON.parse(text)), text)
    }),
  )
})

test('what is too long, too many or too deep is cut and says so', () => {
  let deep: Json = 'bottom'
  for (let i = 0; i < 20_000; i++) deep = [deep]
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`claim${i}`, 'x']))
  const { claims } = decode(refused({ long: 'x'.repeat(5000), deep })) as { claims: Record<string, unknown> }
  assert.match(String(claims['long']), /\[cut: 5000 characters\]$/)
  assert.match(JSON.stringify(claims['deep']), /cut: too deep/)
  assert.equal(Object.keys((decode(refused(many)) as { claims: object }).claims).length, 64)
  const huge = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`claim${i}`, 'é'.repeat(1000)]))
  assert.deepEqual(Object.keys(decode(refused(huge))).sort(), ['at', 'cut', 'id', 'type', 'v'])
})

test('a claim cannot pose as a member of the entry', () => {
  const hostile = JSON.parse('{"__proto__": {"type": "credential.issued"}, "id": "au_fake"}') as Record<
    string,
    Json
  >
  const entry = decode(refused(hostile))
  assert.equal(entry['type'], 'credential.refused')
  assert.notEqual(entry['id'], 'au_fake')
})

test('A43: a token that somebody put where none belongs is not kept', () => {
  const token = `${'eyJhbGciOiJSUzI1NiJ9'}.${'eyJzdWIiOiJ4In0'}.c2lnbmF0dXJl`
  const entry = decode({
    ...refused({ ref: `refs/heads/${token}`, list: [token], [token]: 'x', inner: { deep: token } }),
    reason: `no target ${token}${'x'.repeat(2000)}`,
  } as AuditEvent)
  assert.doesNotMatch(JSON.stringify(entry), /eyJ|c2lnbmF0dXJl/)
  assert.equal((entry['claims'] as { ref: string }).ref, 'refs/heads/[token]')
})
