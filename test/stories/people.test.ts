/** People sign in by an OpenID Provider, work, and sign out; programs hear that they need a token. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Browser } from '../fakes/browser.ts'
import { openTab } from '../fakes/chromium-driver.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { peopleStage } from '../fakes/people-stage.ts'

test('a person signs in, comes back to where they wanted, and is asked by the policy at every request', async (t) => {
  const { origin, reached, site } = await peopleStage(t)
  const browser = new Browser()
  const page = await browser.signIn(`${origin}/orders?from=1`, 'guest-1')
  assert.equal(page.status, 200, page.text)
  assert.equal(page.url.href, `${origin}/orders?from=1`)
  assert.deepEqual(
    reached.map(({ line }) => line),
    ['GET /orders?from=1'],
  )
  assert.match(reached[0]?.subject ?? '', /^people:sub:/)
  assert.equal(reached[0]?.cookie, undefined, 'the upstream does not see the session')
  await browser.open(`${origin}/other`)
  assert.equal(reached.at(-1)?.cookie, 'theme=dark')
  const ours = browser.cookies.get(origin)?.get('__Host-mayfly')
  assert.ok(ours !== undefined && ours !== 'forged')
  const post = (from: string) =>
    browser.ask(new URL(`${origin}/orders`), { method: 'POST', body: 'x', headers: { origin: from } })
  assert.equal((await post(origin)).status, 403, 'a guest changes nothing')
  const admin = new Browser()
  await admin.signIn(`${origin}/`, 'admin-1')
  const changed = await admin.ask(new URL(`${origin}/orders`), {
    method: 'POST',
    body: 'x',
    headers: { origin },
  })
  assert.equal(changed.status, 200, changed.text)
  const { entries } = await exportedLog(site.config)
  assert.ok(entries.some(({ type, via }) => type === 'credential.issued' && via === 'sign-in'))
})

test('programs hear that they need a token, and a token works beside a cookie', async (t) => {
  const { origin, reached, github, broker, site } = await peopleStage(t)
  const program = await fetch(`${origin}/orders`, { redirect: 'manual' })
  assert.equal(program.status, 401)
  assert.match(program.headers.get('www-authenticate') ?? '', /^Bearer realm="mayfly"/)
  assert.equal(program.headers.getSetCookie().length, 0)
  const [, place = ''] =
    /resource_metadata="([^"]*)"/.exec(program.headers.get('www-authenticate') ?? '') ?? []
  assert.deepEqual(await (await fetch(place)).json(), {
    resource: 'https://console.acme.example',
    authorization_servers: [site.url],
    bearer_methods_supported: ['header'],
    resource_name: 'console',
  })
  const browser = new Browser()
  await browser.signIn(`${origin}/`, 'guest-1')
  const seen = reached.length
  const job = github.idToken({ aud: site.url })
  const bad = await browser.ask(new URL(`${origin}/`), { headers: { authorization: `Bearer ${job}` } })
  assert.equal(bad.status, 401, 'who brings a token is asked about that one')
  assert.equal(reached.length, seen)
  assert.ok(broker.url !== '')
})

test('signing out ends the lease here and the session at the provider; nobody else can do it', async (t) => {
  const { origin, reached } = await peopleStage(t)
  const browser = new Browser()
  await browser.signIn(`${origin}/`, 'guest-1')
  const stolen = browser.cookies.get(origin)?.get('__Host-mayfly') ?? ''
  const forced = await browser.ask(new URL(`${origin}/.mayfly/sign-out`), {
    method: 'POST',
    headers: { origin: 'https://other.example' },
  })
  assert.equal(forced.status, 403)
  assert.equal((await browser.open(`${origin}/still`)).status, 200)
  const page = await browser.open(`${origin}/.mayfly/sign-out`)
  const confirm = await browser.submit(page)
  assert.match(confirm.url.pathname, /session\/end/, 'the provider asks whether to end its own session')
  await browser.submit(confirm, { logout: 'yes' })
  assert.equal(browser.cookies.get(origin)?.has('__Host-mayfly'), false)
  const seen = reached.length
  const thief = new Browser()
  thief.cookies.set(origin, new Map([['__Host-mayfly', stolen]]))
  const again = await thief.open(`${origin}/`)
  assert.match(again.text, /name="login"/, 'a stolen cookie is worth nothing any more')
  assert.equal(reached.length, seen)
})

test('who is signed out at the provider is signed out here, at the next request', async (t) => {
  const { origin, reached, provider, site } = await peopleStage(t)
  const browser = new Browser()
  await browser.signIn(`${origin}/`, 'guest-1')
  const other = new Browser()
  await other.signIn(`${origin}/`, 'guest-2')
  const end = await browser.open(`${provider.issuer}/session/end`)
  await browser.submit(end, { logout: 'yes' })
  const seen = reached.length
  assert.match((await browser.open(`${origin}/`)).text, /name="login"/)
  assert.equal(reached.length, seen)
  assert.equal((await other.open(`${origin}/`)).status, 200, 'nobody else is')
  const { entries } = await exportedLog(site.config)
  assert.ok(entries.some(({ type, via }) => type === 'job.ended' && via === 'backchannel-logout'))
})

test('a real browser signs in and out', async (t) => {
  const { origin, reached } = await peopleStage(t)
  const tab = await openTab(t)
  await tab.goto(`${origin}/orders`)
  await tab.until("document.querySelector('input[name=login]') !== null")
  await tab.evaluate(
    "document.querySelector('input[name=login]').value = 'admin-1'; document.querySelector('input[name=password]').value = 'any'; document.querySelector('form').submit()",
  )
  await tab.until("document.querySelector('input[value=consent]') !== null")
  await tab.evaluate("document.querySelector('form').submit()")
  await tab.until("document.querySelector('#who') !== null")
  assert.equal(await tab.evaluate('location.href'), `${origin}/orders`)
  assert.match(String(await tab.evaluate("document.querySelector('#who').innerText")), /^people:/)
  assert.doesNotMatch(String(await tab.evaluate('document.cookie')), /mayfly/, 'no script reads it')
  const session = (await tab.cookies()).find(({ name }) => name === '__Host-mayfly')
  assert.deepEqual([session?.secure, session?.httpOnly], [true, true])
  await tab.goto(`${origin}/.mayfly/sign-out`)
  await tab.until("document.querySelector('#sign-out') !== null")
  await tab.evaluate("document.querySelector('#sign-out').click()")
  await tab.until("document.querySelector('button[name=logout], button[value=yes]') !== null")
  await tab.evaluate("document.querySelector('button[name=logout], button[value=yes]').click()")
  await tab.until("document.querySelector('input[name=login]') !== null")
  const seen = reached.length
  await tab.goto(`${origin}/orders`)
  await tab.until("document.querySelector('input[name=login]') !== null")
  assert.equal(reached.length, seen)
})

test('groups are a list: who is in one may, and that nobody else may is proved', async (t) => {
  const policy = `version: 1
issuers:
  github: { owners: [acme] }
  people: { kind: oidc, claims: [email, { groups: [orders-admins, staff] }] }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  console:
    tier: staging
    token: { audience: "https://console.acme.example", scopes: { read: { access: read, requests: ["GET /**"] }, change: { access: write, requests: ["POST /orders"] } } }
grants:
  - { name: staff looks, issuer: people, who: { groups: staff }, get: { target: console, scopes: [read] }, for: 30m }
  - { name: admins change, issuer: people, who: { groups: { all: [staff, orders-admins] } }, get: { target: console, scopes: [change] }, for: 30m }
guardrails:
  - { name: only admins change, issuer: people, only: { groups: orders-admins }, get: { target: console, access: write } }
`
  const { origin, site } = await peopleStage(t, { policy })
  for (const [name, status] of [
    ['admin-1', 200],
    ['guest-1', 403],
  ] as const) {
    const browser = new Browser()
    assert.equal((await browser.signIn(`${origin}/`, name)).status, 200)
    const post = { method: 'POST', body: 'x', headers: { origin } }
    assert.equal((await browser.ask(new URL(`${origin}/orders`), post)).status, status, name)
  }
  const { entries } = await exportedLog(site.config)
  const issued = entries.find(({ type }) => type === 'credential.issued')
  assert.deepEqual(issued?.claims?.['groups'], ['staff', 'orders-admins', 'everybody'])
  const leaky = policy.replace(
    'who: { groups: { all: [staff, orders-admins] } }',
    'who: { groups: [staff, orders-admins] }',
  )
  await assert.rejects(peopleStage(t, { policy: leaky }), /only admins change.*groups = \[staff\]/s)
})

const stronger = `version: 1
issuers:
  github: { owners: [acme] }
  people: { kind: oidc, claims: [email, role, acr] }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  console:
    tier: staging
    token:
      audience: "https://console.acme.example"
      scopes:
        read: { access: read, requests: ["GET /orders"] }
        safe: { access: read, requests: ["GET /vault"] }
        other: { access: read, requests: ["GET /other"] }
grants:
  - { name: everybody reads, issuer: people, who: { role: [guest, admin] }, get: { target: console, scopes: [read] }, for: 30m }
  - { name: admins with two factors, issuer: people, who: { role: admin, acr: mfa }, get: { target: console, scopes: [safe] }, for: 30m }
  - { name: nobody yet, issuer: people, who: { email: root@acme.example, acr: never }, get: { target: console, scopes: [other] }, for: 30m }
`

test('who needs a stronger sign-in is sent to one, and only who would get more by it', async (t) => {
  const { origin, reached, site } = await peopleStage(t, { policy: stronger })
  const admin = new Browser()
  assert.equal((await admin.signIn(`${origin}/orders`, 'admin-1')).status, 200)
  const asked = await admin.ask(new URL(`${origin}/vault?a=1`))
  assert.equal(asked.status, 303)
  assert.equal(new URL(asked.headers.get('location') ?? '').searchParams.get('acr_values'), 'mfa')
  const program = await admin.ask(new URL(`${origin}/vault`), { headers: { 'sec-fetch-mode': 'cors' } })
  assert.equal(program.status, 401)
  assert.match(
    program.headers.get('www-authenticate') ?? '',
    /error="insufficient_user_authentication".*acr_values="mfa"/,
  )
  const page = await admin.open(`${origin}/vault?a=1`)
  assert.deepEqual([page.status, page.url.href], [200, `${origin}/vault?a=1`], page.text)
  assert.equal((await admin.open(`${origin}/orders`)).status, 200, 'what it had before it has still')
  const guest = new Browser()
  await guest.signIn(`${origin}/orders`, 'guest-1')
  assert.equal(
    (await guest.ask(new URL(`${origin}/vault`))).status,
    403,
    'a stronger sign-in would change nothing',
  )
  for (const path of ['/other', '/nowhere'])
    assert.equal((await admin.ask(new URL(origin + path))).status, 403)
  assert.deepEqual(
    reached.map(({ line }) => line),
    ['GET /orders', 'GET /vault?a=1', 'GET /orders', 'GET /orders'],
  )
  const { entries } = await exportedLog(site.config)
  assert.ok(entries.some(({ type, code }) => type === 'route.refused' && code === 'scope_refused'))
})

test('who has no stronger way is refused, and not sent round for ever', async (t) => {
  const { origin, reached } = await peopleStage(t, { policy: stronger })
  const weak = new Browser()
  await weak.signIn(`${origin}/orders`, 'admin-weak')
  const page = await weak.open(`${origin}/vault`)
  assert.deepEqual([page.status, page.url.href], [403, `${origin}/vault`])
  // Begun by the person again it is tried again, once.
  assert.equal((await weak.ask(new URL(`${origin}/vault`))).status, 303)
  assert.deepEqual(
    reached.map(({ line }) => line),
    ['GET /orders'],
  )
})

test('whom the policy lets in by a strong sign-in alone is asked for one at once', async (t) => {
  const strict = stronger.replace('who: { role: [guest, admin] }', 'who: { role: [guest, admin], acr: mfa }')
  const { origin } = await peopleStage(t, { policy: strict })
  const browser = new Browser()
  assert.equal((await browser.signIn(`${origin}/orders`, 'guest-1')).status, 200)
  const weak = new Browser()
  const refused = await weak.signIn(`${origin}/orders`, 'guest-weak')
  assert.deepEqual([refused.status, refused.url.pathname], [403, '/.mayfly/callback'])
})

test('two tabs sign in side by side, and more than a few do not fill the browser', async (t) => {
  const { origin } = await peopleStage(t)
  const browser = new Browser()
  const begun = async (path: string) => {
    const { headers } = await browser.ask(new URL(origin + path))
    return headers.get('location') ?? ''
  }
  const [first, second] = [await begun('/one'), await begun('/two')]
  const names = () => [...(browser.cookies.get(origin) ?? [])].map(([name]) => name)
  assert.equal(names().length, 2)
  const one = await browser.signIn(first, 'guest-1')
  assert.deepEqual([one.status, one.url.href], [200, `${origin}/one`])
  const two = await browser.open(second)
  assert.deepEqual([two.status, two.url.href], [200, `${origin}/two`])
  browser.cookies.get(origin)?.delete('__Host-mayfly')
  for (let turn = 0; turn < 20; turn++) await begun(`/${turn}`)
  assert.ok(names().length <= 5, String(names()))
})
