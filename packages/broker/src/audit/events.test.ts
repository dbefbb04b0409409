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

function issued(claims: Record<string, Json>): AuditEvent {
  const about = { issuer: 'github', subject: 's', target: 'orders', kind: 'token', policy: 'p' }
  const given = { grants: [], scopes: [], expires: 1, seconds: 1, via: 'token-exchange', lease: 'ls_1' }
  return { type: 'credential.issued', ...about, ...given, claims }
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
          encodeEvent(issued(claims as Record<string, Json>), tools).bytes,
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
      const text = new TextDecoder().decode(encodeEvent(issued(claims as Record<string, Json>), tools).bytes)
      assert.equal(canonicalJson(JSON.parse(text)), text)
    }),
  )
})

test('what is too long, too many or too deep is cut and says so', () => {
  let deep: Json = 'bottom'
  for (let i = 0; i < 20_000; i++) deep = [deep]
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`claim${i}`, 'x']))
  const { claims } = decode(issued({ long: 'x'.repeat(5000), deep })) as { claims: Record<string, unknown> }
  assert.match(String(claims['long']), /\[cut: 5000 characters\]$/)
  assert.match(JSON.stringify(claims['deep']), /cut: too deep/)
  const cut = (decode(issued({ ...many, list: Array(100).fill('x') })) as { claims: object }).claims
  assert.deepEqual([Object.keys(cut).length, (cut as Record<string, Json>)['[cut]']], [65, '501 members'])
  const { list } = (decode(issued({ list: Array(100).fill('x') })) as { claims: { list: Json[] } }).claims
  assert.deepEqual([list.length, list.at(-1)], [65, '[cut: 100 items]'])
  const huge = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`claim${i}`, 'é'.repeat(1000)]))
  const { id: _, ...rest } = decode(issued(huge))
  const names = { lease: 'ls_1', issuer: 'github', subject: 's', target: 'orders' }
  const about = { ...names, policy: 'p', seconds: 1, claims: { '[cut]': '64 members' } }
  assert.deepEqual(rest, { v: 1, at: 1_790_000_000_123, type: 'credential.issued', cut: true, ...about })
})

test('a claim cannot pose as a member of the entry', () => {
  const hostile = JSON.parse('{"__proto__": {"type": "credential.issued"}, "id": "au_fake"}') as Record<
    string,
    Json
  >
  const entry = decode(issued(hostile))
  assert.equal(entry['type'], 'credential.issued')
  assert.notEqual(entry['id'], 'au_fake')
})

test('A43: a token that somebody put where none belongs is not kept', () => {
  const token = `${'eyJhbGciOiJSUzI1NiJ9'}.${'eyJzdWIiOiJ4In0'}.c2lnbmF0dXJl`
  const entry = decode({
    ...issued({ ref: `refs/heads/${token}`, list: [token], [token]: 'x', inner: { deep: token } }),
    reason: `no target ${token}${'x'.repeat(2000)}`,
  } as AuditEvent)
  assert.doesNotMatch(JSON.stringify(entry), /eyJ|c2lnbmF0dXJl/)
  assert.equal((entry['claims'] as { ref: string }).ref, 'refs/heads/[token]')
})

test('the entry of a refusal is short, names who asked, and holds no half of a token', () => {
  const token = `${'eyJhbGciOiJSUzI1NiJ9'}.${'eyJzdWIiOiJ4In0'.padEnd(400, 'A')}.c2lnbmF0dXJl`
  const padding = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`claim${i}`, 'x'.repeat(500)]))
  const long = { head_ref: 'é'.repeat(900), workflow_ref: 'é'.repeat(900), actor: 'é'.repeat(900) }
  const claims = { ...padding, ...long, repository_id: '42', sub: 's'.repeat(2000), ref: token, run_id: '9' }
  const { bytes } = encodeEvent(refused(claims), tools)
  assert.ok(bytes.length <= 2_048, `${bytes.length}`)
  const kept = (decode(refused(claims)) as { claims: Record<string, string> }).claims
  const short = [kept['repository_id'], kept['run_id'], kept['[cut]'], kept['ref']]
  assert.deepEqual(short, ['42', '9', '67 members', '[token]'])
  assert.match(kept['sub'] ?? '', /^s{256}\[cut: 2000 characters\]$/)
  assert.doesNotMatch(new TextDecoder().decode(bytes), /eyJ/)
})

test('the entry of a refusal names the claims that it leaves out, or says how many', () => {
  const few = decode(refused({ ref: 'refs/heads/main', exp: 1, base_ref: '' }))
  assert.deepEqual(
    [few['dropped'], few['claims']],
    [['base_ref', 'exp'], { ref: 'refs/heads/main', '[cut]': '3 members' }],
  )
  assert.equal('dropped' in decode(refused({ ref: 'refs/heads/main' })), false)
  const many = decode(refused(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`claim${i}`, 'x']))))
  assert.equal('dropped' in many, false)
  assert.deepEqual(many['claims'], { '[cut]': '60 members' })
})

test('however many claims a token has, those that the policy reads are kept whole', () => {
  const reads = () => told
  const padding = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`claim${i}`, 'é'.repeat(900)]))
  const told = { repo_property_team: 'payments', job_workflow_ref: `${'w'.repeat(500)}@refs/heads/main` }
  const short = Object.fromEntries(Object.keys(padding).map((name) => [name, 'x']))
  const large = { ...padding, ...told }
  for (const event of [issued(large), refused(large), issued({ ...short, ...told })]) {
    const { bytes } = encodeEvent(event, tools, reads)
    const { claims } = JSON.parse(new TextDecoder().decode(bytes)) as { claims: Record<string, string> }
    assert.deepEqual(Object.fromEntries(Object.keys(told).map((name) => [name, claims[name]])), told)
    assert.equal(claims['[cut]'], '202 members')
    assert.ok(bytes.length <= 32_768)
  }
  const { bytes } = encodeEvent(refused({ ...padding, ...told }), tools, () => padding)
  assert.ok(bytes.length <= 4_500, `${bytes.length}`)
})
