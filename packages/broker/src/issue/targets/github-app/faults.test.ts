/** What GitHub may answer instead, and what is known then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testProviderFaults } from '../../../../../../test/conformance/provider-faults.ts'
import type { Fault } from '../../../../../../test/fakes/github-app.ts'
import {
  bot,
  connectionOf,
  fake,
  grantOf,
  installed,
  issue,
  leftBy,
  open,
  other,
  settings,
  tools,
} from '../../../../test/github-app.ts'
import { Secret } from '../../../base/secret.ts'
import { openGithubAppTarget } from './github-app.ts'

const limited = (
  headers: Record<string, string>,
  status = 403,
  message = 'API rate limit exceeded',
): Fault => ({
  status,
  headers,
  body: JSON.stringify({ message }),
})

testProviderFaults('github_app', {
  place: async () => fake,
  once: (api) => {
    const connections = { 'acme-bot': { ...connectionOf(bot), api } }
    const target = openGithubAppTarget({ connections, tools })
    const grant = grantOf()
    return target.issue(grant, target.prepare(grant))
  },
  questions: 2,
  fixedTime: true,
  // GitHub redirects a repository's old name.
  movedAt: 1,
})

test('at each step it is known whether GitHub may have made a token', async () => {
  const lookUp = 'GET /repos/acme/shop/installation'
  const post = 'POST /app/installations/50000/access_tokens'
  const elsewhere = { status: 200, body: '{"id":50000,"account":{"login":"evil"}}' }
  const notJson = { status: 201, body: '<html>' }
  const cases: readonly [string, 'before' | 'after', Fault, string, string][] = [
    [lookUp, 'before', 'cut', 'provider_unavailable', 'nothing'],
    [lookUp, 'before', { status: 502, body: '' }, 'provider_unavailable', 'nothing'],
    [lookUp, 'before', { status: 200, body: '{}' }, 'provider_unavailable', 'nothing'],
    [lookUp, 'before', elsewhere, 'provider_unavailable', 'nothing'],
    [lookUp, 'before', { status: 200, body: 'x'.repeat(9_000_000) }, 'provider_unavailable', 'nothing'],
    [lookUp, 'before', { status: 301, headers: { location: '/x' }, body: '' }, 'target_refused', 'nothing'],
    [lookUp, 'before', { status: 404, body: '{}' }, 'target_refused', 'nothing'],
    [lookUp, 'before', limited({ 'retry-after': '30' }), 'provider_unavailable', 'nothing'],
    [post, 'before', 'cut', 'provider_unavailable', 'unknown'],
    [post, 'after', 'cut', 'provider_unavailable', 'unknown'],
    [post, 'after', { status: 502, body: '' }, 'provider_unavailable', 'unknown'],
    [post, 'after', notJson, 'provider_unavailable', 'unknown'],
    [post, 'after', { status: 201, body: '{"token":"a b"}' }, 'provider_unavailable', 'unknown'],
    [post, 'before', { status: 422, body: '{"message":"no"}' }, 'target_refused', 'nothing'],
    [
      post,
      'before',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' },
      'provider_unavailable',
      'nothing',
    ],
    [post, 'before', limited({ 'x-ratelimit-remaining': '0' }), 'provider_unavailable', 'nothing'],
  ]
  for (const [at, moment, fault, code, left] of cases) {
    fake.fault = (asked, when) => (asked === at && when === moment ? fault : undefined)
    assert.deepEqual(
      await leftBy(open()),
      [code, left],
      `${at} ${moment} ${JSON.stringify(fault).slice(0, 60)}`,
    )
  }
})

test('a place that cannot be reached, and a request that waited too long, leave nothing', async () => {
  const api = 'http://127.0.0.1:1'
  const away = openGithubAppTarget({ connections: { 'acme-bot': { ...connectionOf(bot), api } }, tools })
  assert.deepEqual(await leftBy(away), ['provider_unavailable', 'nothing'])
  const grant = grantOf()
  tools.advance(115_000)
  assert.deepEqual(await leftBy(open(), grant), ['provider_unavailable', 'nothing'])
  assert.equal(fake.asked.filter((each) => each.startsWith('POST')).length, 0)
})

test('a token that nobody knows keeps its lease until it can live no longer, and no longer', async () => {
  const target = open()
  const handle = target.prepare(grantOf())
  tools.advance(3_779_000)
  await assert.rejects(async () => target.revoke?.(handle), {
    code: 'provider_unavailable',
    message: /nobody knows; it works until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ at the latest/,
  })
  tools.advance(1_000)
  await target.revoke?.(handle)
})

test('the end of a token that cannot be told stays to be done', async () => {
  const faults: readonly Fault[] = [
    'cut',
    { status: 500, body: '' },
    { status: 404, body: '{"message":"Not Found"}' },
    { status: 403, body: '{"message":"This installation has been suspended"}' },
    { status: 401, body: '<html>log in</html>' },
    { status: 200, body: '{}' },
  ]
  for (const fault of faults) {
    const target = open()
    const issued = await issue(target)
    tools.advance(60_000)
    fake.fault = () => fault
    await assert.rejects(async () => target.revoke?.(issued.handle?.() ?? null), {
      code: 'provider_unavailable',
    })
    fake.fault = () => undefined
    await target.revoke?.(issued.handle?.() ?? null)
    assert.ok(!fake.works(issued.token.reveal()))
  }
})

test('a token that GitHub does not know yet is not taken for one that is gone', async () => {
  const bad = { status: 401, body: '{"message":"Bad credentials"}' }
  const target = open()
  const issued = await issue(target)
  const handle = issued.handle?.() ?? null
  fake.fault = () => bad
  await assert.rejects(async () => target.revoke?.(handle), { code: 'provider_unavailable' })
  tools.advance(10_000)
  await target.revoke?.(handle)
})

test('the end of a token needs no configuration', async () => {
  const issued = await issue(open())
  const empty = openGithubAppTarget({ connections: {}, tools })
  await empty.revoke?.(issued.handle?.() ?? null)
  assert.ok(!fake.works(issued.token.reveal()))
  await assert.rejects(async () => empty.revoke?.({ app: 'x' }), { code: 'internal' })
})

test("GitHub's limits are kept: nobody asks again before they are over, and the caller hears when", async () => {
  const now = () => Math.floor(tools.now() / 1000)
  const cases: readonly [() => Fault, number][] = [
    [() => limited({ 'retry-after': '30' }), 30],
    [() => limited({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now() + 900) }), 900],
    [() => limited({}, 403, 'You have exceeded a secondary rate limit'), 60],
    [() => limited({}, 429, 'slow down'), 60],
    [() => limited({ 'retry-after': '999999999' }), 3600],
  ]
  for (const [fault, seconds] of cases) {
    const target = open()
    fake.fault = fault
    await assert.rejects(issue(target), { code: 'provider_unavailable', retryAfter: seconds })
    fake.fault = () => undefined
    const asked = fake.asked.length
    tools.advance(seconds * 1000 - 1)
    assert.deepEqual(await leftBy(target), ['provider_unavailable', 'nothing'])
    assert.equal(fake.asked.length, asked)
    // Another app's limit is another's.
    await issue(target, grantOf({ settings: { ...settings, app: 'labs-bot', repos: ['labs/lab'] } }))
    tools.advance(1)
    await issue(target)
  }
})

test('the last request that a limit leaves is used, and no further one made', async () => {
  const target = open()
  await issue(target)
  fake.fault = (asked, moment) => {
    if (moment === 'before' || !asked.startsWith('POST')) return undefined
    const [token] = [...fake.tokens.values()].slice(-1)
    const body = { ...token, expires_at: new Date(token?.endsAt ?? 0).toISOString() }
    const spent = {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.floor(tools.now() / 1000) + 50),
    }
    const repositories = [{ full_name: 'Acme/shop' }]
    return {
      status: 201,
      headers: spent,
      body: JSON.stringify({ ...body, repositories, repository_selection: 'selected' }),
    }
  }
  const issued = await issue(target)
  fake.fault = () => undefined
  await assert.rejects(issue(target), { retryAfter: 50 })
  // Ending a token counts elsewhere.
  await target.revoke?.(issued.handle?.() ?? null)
  assert.ok(!fake.works(issued.token.reveal()))
})

test('a wrong key, a foreign app and a suspended installation are refused in words; a wrong clock is no fault of the policy', async () => {
  const wrong = { ...connectionOf(bot), private_key: new Secret(other.privateKey) }
  const target = openGithubAppTarget({ connections: { 'acme-bot': wrong }, tools })
  await assert.rejects(issue(target), { code: 'target_refused', message: /401 .*could not be decoded/ })
  installed.suspended = true
  await assert.rejects(issue(open()), { code: 'target_refused', message: /suspended/ })
  installed.suspended = false
  const late = { ...tools, now: () => tools.now() + 1_200_000 }
  const ahead = openGithubAppTarget({ connections: { 'acme-bot': connectionOf(bot) }, tools: late })
  await assert.rejects(issue(ahead), {
    code: 'provider_unavailable',
    message: /clock and ours differ by 1200 s/,
  })
})
