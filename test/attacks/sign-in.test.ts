/**
 * Attacks on people's sign-in: forged and replayed answers (RFC 9700 4), other sites' requests, sessions that somebody else
 * chose, logout tokens that are none.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { Browser } from '../fakes/browser.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { peopleStage } from '../fakes/people-stage.ts'

const isCallback = (url: URL) => url.pathname === '/.mayfly/callback'

/** Somebody who is signed in at the provider, and has not followed the last redirect yet. */
async function atCallback(origin: string, login: string): Promise<{ browser: Browser; url: URL }> {
  const browser = new Browser()
  browser.stopAt = isCallback
  const { url } = await browser.signIn(`${origin}/orders`, login)
  assert.ok(isCallback(url), url.href)
  browser.stopAt = undefined
  return { browser, url }
}

test('an answer counts in the browser that began, once, for what it began, and from the provider alone', async (t) => {
  const { origin, reached } = await peopleStage(t)
  const refused = async (browser: Browser, url: URL | string, wanted: RegExp) => {
    const { status, text } = await browser.ask(new URL(url))
    assert.ok(status >= 400 && status < 500, `${status} ${text}`)
    assert.match(text, wanted)
    assert.equal(browser.cookies.get(origin)?.has('__Host-mayfly') ?? false, false)
  }
  const attacker = await atCallback(origin, 'guest-attacker')
  const victim = await atCallback(origin, 'guest-victim')
  // Signed in as the attacker without knowing it (RFC 9700 4.7).
  await refused(new Browser(), attacker.url, /not begun in this browser/)
  await refused(victim.browser, attacker.url, /not begun in this browser/)
  // A code of somebody else under one's own state: PKCE (RFC 7636 4.6).
  const injected = new URL(victim.url)
  injected.searchParams.set('code', attacker.url.searchParams.get('code') ?? '')
  await refused(victim.browser, injected, /not accepted/)
  const mixed = new URL(victim.url)
  mixed.searchParams.set('iss', 'https://other.example')
  await refused(victim.browser, mixed, /not from the provider/)
  const silent = new URL(victim.url)
  silent.searchParams.delete('iss')
  await refused(victim.browser, silent, /not from the provider/)
  await refused(victim.browser, `${victim.url.href}&state=x`, /not from the provider/)
  await refused(
    victim.browser,
    `${origin}/.mayfly/callback?state=${victim.url.searchParams.get('state')}&iss=${encodeURIComponent(victim.url.searchParams.get('iss') ?? '')}&error=access_denied`,
    /did not sign you in/,
  )
  const name = `__Host-mayfly-sign-in-${(victim.url.searchParams.get('state') ?? '').slice(0, 8)}`
  const kept = victim.browser.cookies.get(origin)?.get(name) ?? ''
  assert.notEqual(kept, '')
  const bent = new Browser()
  bent.cookies.set(origin, new Map([[name, `${kept.slice(0, -4)}AAAA`]]))
  await refused(bent, victim.url, /not begun in this browser/)
  assert.equal((await victim.browser.open(victim.url)).status, 200)
  // The same once more, with everything that was kept.
  const again = new Browser()
  again.cookies.set(origin, new Map([[name, kept]]))
  await refused(again, victim.url, /not accepted/)
  assert.deepEqual(
    reached.map(({ line }) => line),
    ['GET /orders'],
  )
})

test('nobody is led elsewhere, and whom the policy refuses hears so instead of going round', async (t) => {
  const { origin, reached, site } = await peopleStage(t)
  const mallory = new Browser()
  const refused = await mallory.signIn(`${origin}/`, 'mallory')
  assert.equal(refused.status, 403)
  assert.equal(mallory.cookies.get(origin)?.has('__Host-mayfly') ?? false, false)
  const { entries } = await exportedLog(site.config)
  assert.ok(entries.some(({ type, via }) => type === 'credential.refused' && via === 'sign-in'))
  for (const path of [
    '//other.example/',
    '/%2f%2fother.example',
    '/%5cother.example',
    '/%2e%2e//other.example',
  ]) {
    const { status, headers } = await new Browser().ask(new URL(`${origin}${path}`))
    assert.deepEqual([status, headers.get('location')], [400, null], path)
  }
  const browser = new Browser()
  const page = await browser.signIn(`${origin}/a?to=https://other.example`, 'guest-1')
  assert.equal(page.url.origin, origin)
  assert.equal(reached.length, 1)
})

test('other sites do nothing in the name of whoever is signed in', async (t) => {
  const { origin, reached, site } = await peopleStage(t)
  const browser = new Browser()
  await browser.signIn(`${origin}/`, 'admin-1')
  const seen = reached.length
  const send = (headers: Readonly<Record<string, string>>) =>
    browser.ask(new URL(`${origin}/orders`), { method: 'POST', body: 'x', headers })
  for (const headers of [
    { origin: 'https://other.example' },
    { origin: 'null' },
    { origin: `${origin}.other.example` },
    { origin: origin.replace('localhost', '127.0.0.1') },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    {},
  ] as readonly Readonly<Record<string, string>>[])
    assert.equal((await send(headers)).status, 403, JSON.stringify(headers))
  const cookie = `__Host-mayfly=${browser.cookies.get(origin)?.get('__Host-mayfly')}`
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/live`, {
    headers: { cookie, origin: 'https://other.example' },
  })
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  assert.equal(answer.statusCode, 403)
  assert.equal(reached.length, seen)
  // Two sessions: one of them somebody else put there.
  const two = await browser.ask(new URL(`${origin}/`), {
    headers: { cookie: `${cookie}; __Host-mayfly=other` },
  })
  assert.equal(two.status, 400)
  assert.equal(reached.length, seen)
  const { entries } = await exportedLog(site.config)
  assert.ok(entries.some(({ reason }) => reason === 'a session was used by another site'))
})

test('a logout token that is none ends nothing, and a good one ends once', async (t) => {
  const { origin, provider } = await peopleStage(t)
  const { browser, url } = await atCallback(origin, 'guest-1')
  await browser.open(url)
  const sid = 'not-known-to-anybody'
  const { clientId: aud, sign } = provider
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const say = async (token: string) => {
    const body = new URLSearchParams({ logout_token: token })
    return (await fetch(`${origin}/.mayfly/backchannel-logout`, { method: 'POST', body })).status
  }
  const good = await sign({ aud, sub: 'guest-1', sid, events, jti: 'a1' })
  const [head, claims, signature = ''] = good.split('.')
  const bad = [
    '',
    'x.y.z',
    `${head}.${claims}.${signature.slice(0, -8)}AAAAAAAA`,
    await sign({ aud: 'another-client', sub: 'guest-1', sid, events }),
    await sign({ aud, sub: 'guest-1', sid }),
    await sign({ aud, sub: 'guest-1', sid, events: {} }),
    await sign({ aud, sub: 'guest-1', sid, events, nonce: 'n' }),
    await sign({ aud, sub: 'guest-1', events }),
    await sign({ aud, sub: 'guest-1', sid, events, iss: 'https://other.example' }),
    await sign({ aud, sub: 'guest-1', sid, events }, 'at+jwt'),
  ]
  for (const [at, token] of bad.entries()) assert.equal(await say(token), 400, `${at}`)
  assert.equal((await browser.open(`${origin}/`)).status, 200)
  assert.equal(await say(good), 200)
  assert.notEqual(await say(good), 200, 'once')
  assert.equal((await fetch(`${origin}/.mayfly/backchannel-logout`)).status, 404)
  assert.equal((await fetch(`${origin}/.mayfly/other`)).status, 404)
})
