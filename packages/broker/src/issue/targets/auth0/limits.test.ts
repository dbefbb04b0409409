import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0World } from '../../../../../../test/fakes/auth0-world.ts'
import { pauseAfter } from './limits.ts'

test('a tenant over its limit is left alone until it says so, and callers hear how long', async (t) => {
  const { fake, issue, tools, now } = await auth0World(t)
  fake.limit = { remaining: 1, reset: now() + 30 }
  await issue()
  await assert.rejects(issue(), { code: 'provider_unavailable', retryAfter: 30, reason: /Global limit/ })
  tools.advance(10_000)
  await assert.rejects(issue(), {
    code: 'provider_unavailable',
    retryAfter: 20,
    reason: /limit of the tenant acme/,
  })
  assert.equal(fake.asked.length, 2, 'it was asked meanwhile')
  fake.limit = undefined
  tools.advance(20_000)
  await issue()
})

test('the longest of what Auth0 says counts, by its own clock, within an hour', () => {
  const now = 1_790_000_000
  const pause = (headers: Record<string, string>) => pauseAfter(new Headers(headers), now)
  assert.equal(pause({}), 10)
  assert.equal(pause({ 'retry-after': '7' }), 7)
  assert.equal(pause({ 'x-ratelimit-reset': String(now + 45) }), 45)
  const date = new Date((now - 100) * 1000).toUTCString()
  assert.equal(pause({ 'x-ratelimit-reset': String(now - 55), date }), 45)
  assert.equal(pause({ 'x-ratelimit-reset': String(now - 55) }), 1, 'over already')
  const quota = 'b=per_hour;q=10;r=0;t=3540,b=per_day;q=50;r=7;t=43200'
  assert.equal(pause({ 'auth0-client-quota-limit': quota, 'retry-after': '7' }), 3540)
  assert.equal(pause({ 'auth0-client-quota-limit': 'b=per_day;q=50;r=0;t=43200' }), 3600)
  for (const nonsense of ['soon', '-5', '1e9', ''])
    assert.equal(pause({ 'retry-after': nonsense, 'auth0-client-quota-limit': `;=,r=0;t=${nonsense}` }), 10)
})
