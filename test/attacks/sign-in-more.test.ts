/** More attacks on people's sign-in, each of which got through, or locked somebody out, before it was mended. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import type { Failure } from '../../packages/broker/src/base/failure.ts'
import { Secret } from '../../packages/broker/src/base/secret.ts'
import { openSeal } from '../../packages/broker/src/issue/seal.ts'
import { openProvider } from '../../packages/broker/src/provider.ts'
import type { Gate } from '../../packages/broker/src/route/route.ts'
import { openServing } from '../../packages/broker/src/route/routes/http/served.ts'
import { passDoor } from '../../packages/broker/src/route/routes/http/sign-in/door.ts'
import { openSignIn, type SignInParts } from '../../packages/broker/src/sign-in.ts'
import { Browser } from '../fakes/browser.ts'
import { fakeTools } from '../fakes/clock.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { peopleStage } from '../fakes/people-stage.ts'

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** A target that lists no requests. */
const open = `version: 1
issuers:
  github: { owners: [acme] }
  people: { kind: oidc, claims: [email, role, sub] }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  console: { tier: staging, access: write, token: { audience: "https://console.acme.example" } }
grants:
  - { name: everybody, issuer: people, who: { role: [guest, admin] }, get: console, for: 30m }
`

test('a link of another site that names another method opens nothing with a session', async (t) => {
  const { origin, reached } = await peopleStage(t, { policy: open })
  const browser = new Browser()
  assert.equal((await browser.signIn(`${origin}/`, 'admin-1')).status, 200)
  const seen = reached.length
  const follow = (path: string, headers: Readonly<Record<string, string>>) =>
    browser.ask(new URL(`${origin}${path}`), { headers })
  const foreign = { 'sec-fetch-site': 'cross-site' }
  for (const path of ['/orders/7?_method=DELETE', '/orders?a=1&%5Fmethod=POST', '/orders?X-HTTP-Method=PUT'])
    assert.equal((await follow(path, foreign)).status, 403, path)
  assert.equal((await follow('/orders/7?_method=DELETE', {})).status, 403)
  assert.equal(reached.length, seen)
  assert.equal((await follow('/orders/7?_method=DELETE', { 'sec-fetch-site': 'same-origin' })).status, 200)
  assert.equal((await follow('/orders/7', foreign)).status, 200)
})

test('somebody signs in again and again in one session of the provider, and is not locked out', async (t) => {
  const { origin } = await peopleStage(t)
  const browser = new Browser()
  assert.equal((await browser.signIn(`${origin}/`, 'guest-1')).status, 200)
  for (let round = 0; round < 33; round++) {
    browser.cookies.get(origin)?.clear()
    assert.equal((await browser.open(`${origin}/`)).status, 200, `sign-in ${round + 2}`)
  }
})

test('a provider lets nobody in with a token of another issuer', async (t) => {
  let nonce = ''
  let token = ''
  const own: { url: string } = { url: '' }
  own.url = await onLoopback(t, (asked, response) => {
    const url = new URL(asked.url ?? '/', own.url)
    const authorization_endpoint = `${own.url}/authorize`
    const found = {
      issuer: own.url,
      jwks_uri: `${own.url}/keys`,
      authorization_endpoint,
      token_endpoint: `${own.url}/token`,
    }
    response.setHeader('content-type', 'application/json')
    if (url.pathname === '/authorize') nonce = url.searchParams.get('nonce') ?? ''
    response.end(JSON.stringify(url.pathname === '/token' ? { id_token: token } : found))
  })
  const { origin, provider, reached, site } = await peopleStage(t, { by: own.url })
  for (const aud of [site.url, provider.clientId]) {
    const browser = new Browser()
    const sent = await browser.ask(new URL(`${origin}/`))
    const to = new URL(sent.headers.get('location') ?? '')
    await browser.ask(to)
    token = await provider.sign({ aud, sub: 'admin-1', email: 'a@acme.example', role: 'admin', nonce }, 'JWT')
    const back = new URL(`${origin}/.mayfly/callback?code=c&state=${to.searchParams.get('state')}`)
    const answer = await browser.open(back)
    assert.equal(answer.status, 401, answer.text)
    assert.equal(browser.cookies.get(origin)?.has('__Host-mayfly') ?? false, false)
  }
  assert.equal(reached.length, 0)
})

test('a logout token that names the session alone ends it', async (t) => {
  const { origin, provider, site } = await peopleStage(t)
  const browser = new Browser()
  await browser.signIn(`${origin}/`, 'guest-1')
  const { text } = await exportedLog(site.config)
  const sid = /"job":\{"id":"([^"]+)","issuer":"people"/.exec(text.replaceAll('\\"', '"'))?.[1]
  assert.ok(sid, 'the lease has the session as its job')
  const token = await provider.sign({ aud: provider.clientId, sid, events: { [event]: {} }, jti: 'alone' })
  const body = new URLSearchParams({ logout_token: token })
  const said = await fetch(`${origin}/.mayfly/backchannel-logout`, { method: 'POST', body })
  assert.equal(said.status, 200, await said.text())
  const after = await browser.ask(new URL(`${origin}/`), { headers: { 'sec-fetch-mode': 'cors' } })
  assert.equal(after.status, 401)
})

test('who comes back to an address that is too long for a cookie has signed in all the same', async (t) => {
  const { origin } = await peopleStage(t)
  const browser = new Browser()
  const sent = await browser.ask(new URL(`${origin}/orders?q=${'x'.repeat(7_000)}`))
  const [cookie = ''] = sent.headers.getSetCookie()
  assert.ok(cookie.length <= 4096, `browsers keep no cookie of ${cookie.length} bytes`)
  assert.equal((await browser.signIn(`${origin}/orders?q=${'x'.repeat(7_000)}`, 'guest-1')).status, 200)
})

test('a logout token is taken from a caller who waits to be told to send it', async (t) => {
  const { origin } = await peopleStage(t)
  const headers = {
    ...{ expect: '100-continue', 'content-type': 'application/x-www-form-urlencoded' },
    'content-length': '14',
  }
  const asked = request(`${origin}/.mayfly/backchannel-logout`, { method: 'POST', headers, agent: false })
  asked.flushHeaders()
  const told = await Promise.race([
    once(asked, 'continue').then(() => 'told'),
    once(asked, 'response').then(() => 'answered'),
    once(AbortSignal.timeout(3_000), 'abort').then(() => 'left alone'),
  ])
  asked.end('logout_token=x')
  assert.equal(told, 'told')
  const [{ statusCode }] = (await once(asked, 'response')) as [{ statusCode: number }]
  assert.equal(statusCode, 400)
})

test('a cache in front of the route shows nobody the page of somebody else', async (t) => {
  const { origin } = await peopleStage(t)
  const browser = new Browser()
  const page = await browser.signIn(`${origin}/cached`, 'admin-1')
  assert.deepEqual([page.status, page.headers.get('cache-control')], [200, 'max-age=3600'])
  // RFC 9111 4.1; with a token in Authorization 3.5 keeps it out of caches, with a cookie nothing else does.
  assert.match(page.headers.get('vary') ?? '', /cookie/i)
})

test('a session that is too long for a cookie ends at once, instead of going round in circles', async (t) => {
  const scopes = Array.from({ length: 60 }, (_, at) => `${'scope-of-a-long-name-'.repeat(3)}${at}`)
  const all = `console: { tier: staging, token: { audience: "https://console.acme.example", scopes: {${scopes.map((scope) => ` ${scope}: { access: read, requests: ["GET /**"] }`).join(',')} } } }`
  const policy = open
    .replace(/console: \{ tier: staging, access.*$/m, all)
    .replace('get: console', `get: { target: console, scopes: [${scopes.join(', ')}] }`)
  const { origin, site } = await peopleStage(t, { policy })
  const browser = new Browser()
  const answer = await browser.signIn(`${origin}/`, 'admin-1')
  assert.equal(answer.status, 500, answer.text.slice(0, 300))
  assert.equal(browser.cookies.get(origin)?.has('__Host-mayfly') ?? false, false)
  const { entries } = await exportedLog(site.config)
  const count = (type: string) => entries.filter((entry) => entry.type === type).length
  assert.deepEqual([count('credential.issued'), count('lease.ended')], [1, 1])
})

test('who sends a logout token byte by byte holds no connection for long', async (t) => {
  const tools = fakeTools()
  const refuse = async (_: unknown, __: unknown, failure: Failure) => failure.recorded('au_1')
  const serving = openServing({ name: 'console', target: 'console', max_connections: 9 }, tools, {
    refuse,
  } as unknown as Gate)
  const asked = {
    token: undefined,
    host: 'x',
    path: '/.mayfly/backchannel-logout',
    query: '',
    overrides: false,
  }
  const { promise: read, resolve } = Promise.withResolvers<unknown>()
  const arrived = new EventEmitter()
  const url = await onLoopback(t, (came) => {
    came.once('data', () => setImmediate(() => arrived.emit('read')))
    came.pause()
    passDoor(serving, signInWith({}), came, asked).then(resolve, resolve)
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '9000' }
  const slow = request(url, { method: 'POST', headers, agent: false })
  slow.on('error', () => {})
  slow.write('l')
  await once(arrived, 'read')
  assert.equal(tools.waiting(), 1, 'a time is set')
  tools.advance(10_000)
  assert.ok(await read)
  slow.destroy()
})

const issuer = 'https://login.example'

function signInWith(more: Partial<SignInParts>, seal = sealOfTest()) {
  const never = async () => assert.fail('it must not come so far')
  const document = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    end_session_endpoint: `${issuer}/end`,
    authorization_response_iss_parameter_supported: true,
  }
  return openSignIn({
    ...{ route: 'console', target: 'console', issuer: 'people', origin: 'https://console.example' },
    ...{ broker: 'https://mayfly.example', clientId: 'c', seal, tools: { now: () => 0, randomBytes } },
    provider: openProvider({
      ...{ issuer, scopes: [], acrValues: [], clientId: 'c', clientSecret: new Secret('s'), now: () => 0 },
      fetchDocument: async () => document,
      post: never,
    }),
    ...{ exchange: never, verify: never, commit: never, active: never, endLease: never, endJob: never },
    claimsOf: never,
    strongerFor: () => [],
    spend: () => assert.fail('nor so'),
    ...more,
  })
}

function sealOfTest() {
  return openSeal(new Secret(randomBytes(32).toString('base64')), { randomBytes })
}

test('a broker that has just started takes no answer without the issuer that the provider always says', async () => {
  const seal = sealOfTest()
  const { location, kept } = await signInWith({}, seal).begin('/')
  const state = new URL(location).searchParams.get('state') ?? ''
  const started = signInWith({}, seal)
  await assert.rejects(started.finish(new URLSearchParams({ state, code: 'c' }), kept), {
    reason: 'sign-in: another iss',
  })
})

test('what a caller writes as the error of a provider does not fill the log', async () => {
  const signIn = signInWith({})
  const { location, kept } = await signIn.begin('/')
  const state = new URL(location).searchParams.get('state') ?? ''
  const answer = new URLSearchParams({ state, iss: issuer, error: `${'x'.repeat(9_000)}\n` })
  await assert.rejects(signIn.finish(answer, kept), (thrown: { reason: string }) => {
    assert.ok(thrown.reason.length < 120, `${thrown.reason.length} characters`)
    return true
  })
})

test('who signs out while the provider is away is signed out here', async () => {
  const ended: string[] = []
  const away = openProvider({
    ...{ issuer, scopes: [], acrValues: [], clientId: 'c', clientSecret: new Secret('s'), now: () => 0 },
    fetchDocument: async () => Promise.reject(new Error('away')),
    post: async () => Promise.reject(new Error('away')),
  })
  const lease = { id: 'ls_1' } as never
  const signIn = signInWith({
    provider: away,
    active: async () => ({ lease }),
    endLease: async () => ended.push('ls_1'),
  })
  assert.equal(await signIn.end(new Secret('t')), undefined)
  assert.deepEqual(ended, ['ls_1'])
})

test('a logout that could not be carried out is carried out when the provider says it again', async () => {
  const claims = { events: { [event]: {} }, sid: 's1' }
  const spent = new Set<string>()
  let faults = 1
  const ended: string[] = []
  const signIn = signInWith({
    verify: async () =>
      ({ issuer: 'people', iss: issuer, subject: 'x', claims, replayKey: 'k', replayUntil: 9 }) as const,
    spend: ({ replayKey: key, replayUntil: until }) => ({ kind: 'spend', key, until }),
    commit: async () => {
      if (spent.has('k')) throw new Error('spent')
      spent.add('k')
    },
    endJob: async ({ id = '' }) => {
      if (faults-- > 0) throw new Error('the store is away')
      return ended.push(id)
    },
  })
  await assert.rejects(signIn.logout('t'), /away/)
  await signIn.logout('t')
  assert.deepEqual(ended, ['s1'])
})
