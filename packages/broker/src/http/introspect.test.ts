import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listeningDoors, postForm } from '../../test/doors.ts'
import { Failure } from '../base/failure.ts'
import type { Caller } from './doors.ts'

const secret = 'orders-secret+/with%41='
const basic = (name: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

async function ask(form: Record<string, string>, headers = {}) {
  const callers: Caller[] = []
  const recorded: string[] = []
  await using doors = await listeningDoors({
    introspect: async (_token, caller) => {
      callers.push(caller)
      return { active: true, sub: 'job' }
    },
    record: async (event) => {
      recorded.push(event.reason)
      return 'au_9'
    },
  })
  const response = await postForm(`${doors.url}/introspect`, form, headers)
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body, callers, recorded }
}

test('a configured resource server may ask, and the question is about its own target', async () => {
  const answer = await ask({ token: 'a.b.c', token_type_hint: 'whatever' }, basic('orders', secret))
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, { active: true, sub: 'job' })
  assert.deepEqual(answer.callers, [{ kind: 'client', name: 'orders', target: 'orders-api' }])
  assert.equal(answer.headers.get('cache-control'), 'no-store')
})

test('a secret that is form-encoded first, as RFC 6749 2.3.1 has it, is right as well', async () => {
  assert.equal((await ask({ token: 'a' }, basic('orders', encodeURIComponent(secret)))).status, 200)
})

test('a holder may ask about its own token only', async () => {
  const own = await ask({ token: 'a.b.c' }, { Authorization: 'Bearer a.b.c' })
  assert.equal(own.status, 200)
  assert.deepEqual(own.callers, [{ kind: 'holder' }])
  const other = await ask({ token: 'a.b.d' }, { Authorization: 'Bearer a.b.c' })
  assert.equal(other.status, 401)
  assert.equal(other.body['error'], 'invalid_token')
  assert.match(other.headers.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
  assert.deepEqual(other.callers, [])
})

test('everybody else is 401, the refusal is in the log, and all are told the same', async () => {
  const wrong = [
    {},
    basic('orders', 'wrong'),
    basic('orders', ''),
    basic('nobody', secret),
    basic('', ''),
    { Authorization: 'Basic ???' },
    { Authorization: 'Digest x' },
  ]
  for (const headers of wrong) {
    const answer = await ask({ token: 'a.b.c' }, headers)
    assert.equal(answer.status, 401)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /)
    assert.deepEqual(answer.body, {
      error: 'invalid_client',
      error_description: 'The caller is not authenticated.',
      error_id: 'au_9',
    })
    assert.equal(answer.callers.length, 0)
    assert.equal(answer.recorded.length, 1)
  }
})

test('without a token there is nothing to answer', async () => {
  assert.equal((await ask({}, basic('orders', secret))).status, 400)
  assert.equal((await ask({}, {})).status, 401)
})

test('revoking says 200 for any token, whatever the hint', async () => {
  const revoked: string[] = []
  await using doors = await listeningDoors({
    revoke: async (token) => void revoked.push(token.fingerprint()),
  })
  for (const token of ['a.b.c', 'not a token']) {
    const response = await postForm(`${doors.url}/revoke`, { token, token_type_hint: 'refresh_token' })
    assert.equal(response.status, 200)
  }
  assert.equal(revoked.length, 2)
  assert.equal((await postForm(`${doors.url}/revoke`, { token: '' })).status, 400)
})

test('a token that could not be ended is 503 with Retry-After: it still works (RFC 7009 2.2.1)', async () => {
  await using doors = await listeningDoors({
    revoke: () => Promise.reject(new Failure('provider_unavailable')),
  })
  const response = await postForm(`${doors.url}/revoke`, { token: 'a' })
  assert.equal(response.status, 503)
  assert.equal(response.headers.get('retry-after'), '5')
})
