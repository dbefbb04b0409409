import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { type GithubApiFake, githubApiFor, sendJson } from '../../../../test/fakes/github-api.ts'
import { UsageFault } from '../command.ts'
import { GithubFault, GithubRefused, githubApi } from './github-api.ts'
import { accountNamed, accountOfId, repositoryNamed } from './thing.ts'

const token = 'ghp_NotARealToken0123456789'
const open = (fake: GithubApiFake, timeoutMilliseconds = 5_000, secret: string | undefined = token) =>
  githubApi({ url: fake.url, token: secret, timeoutMilliseconds })

async function failing(t: TestContext, fault: (response: ServerResponse) => void, timeout?: number) {
  const fake = await githubApiFor(t)
  fake.fault = (_, response) => {
    fault(response)
    return 'answered'
  }
  const thrown: unknown = await accountNamed(open(fake, timeout), 'acme').catch((caught: unknown) => caught)
  assert.ok(thrown instanceof Error)
  for (const text of [thrown.message, String(thrown.cause ?? '')]) assert.ok(!text.includes(token), text)
  return thrown
}

test('accounts and repositories are found, and what GitHub does not show is not', async (t) => {
  const fake = await githubApiFor(t)
  const api = open(fake)
  assert.deepEqual(await accountNamed(api, 'acme'), { id: '9919', name: 'Acme', type: 'Organization' })
  assert.deepEqual(await accountNamed(api, 'dependabot[bot]'), {
    id: '49699333',
    name: 'dependabot[bot]',
    type: 'Bot',
  })
  assert.deepEqual(await repositoryNamed(api, 'acme', 'shop'), {
    id: '40211',
    name: 'Acme/shop',
    type: 'Repository',
  })
  assert.equal((await accountOfId(api, '583231'))?.name, 'octo')
  assert.equal(await accountNamed(api, 'nobody'), undefined)
  assert.deepEqual(
    fake.requests.map(({ path }) => path),
    ['/users/acme', '/users/dependabot%5Bbot%5D', '/repos/acme/shop', '/user/583231', '/users/nobody'],
  )
  assert.ok(fake.requests.every(({ authorization }) => authorization === `Bearer ${token}`))
})

test('a redirect inside of the API is followed with the token, also below a path', async (t) => {
  const fake = await githubApiFor(t, '/api/v3')
  fake.repositories.push({ id: 7, full_name: 'acme/new', formerly: ['acme/old'] })
  assert.deepEqual(await repositoryNamed(open(fake), 'acme', 'old'), {
    id: '7',
    name: 'acme/new',
    type: 'Repository',
  })
  assert.deepEqual(fake.requests.at(-1), { path: '/repositories/7', authorization: `Bearer ${token}` })
})

test('a redirect to another place is not followed: it would get the token', async (t) => {
  const elsewhere = await githubApiFor(t)
  for (const location of [
    `${elsewhere.url}/repositories/7`,
    'http://169.254.169.254/',
    '//evil.example/x',
    '',
  ]) {
    const thrown = await failing(t, (response) => response.writeHead(301, { location }).end())
    assert.ok(thrown instanceof GithubFault)
    assert.match(thrown.message, /redirects to a place outside/)
  }
  assert.deepEqual(elsewhere.requests, [])
  const inside = await githubApiFor(t, '/api/v3')
  inside.fault = (path, response) => {
    if (!path.startsWith('/users')) return undefined
    response.writeHead(302, { location: new URL('/elsewhere', inside.url).href }).end()
    return 'answered'
  }
  await assert.rejects(accountNamed(open(inside), 'acme'), /outside of its API/)
  assert.equal(inside.requests.length, 1)
})

test('a circle of redirects ends', async (t) => {
  const thrown = await failing(t, (response) =>
    response.writeHead(301, { location: `http://${response.req.headers.host}/users/acme` }).end(),
  )
  assert.match(thrown.message, /redirects too often/)
})

test('the rate limit is told with its end, and what would help', async (t) => {
  const spent = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1900000000' }
  const primary = await failing(t, (response) => response.writeHead(403, spent).end('{}'))
  assert.match(primary.message, /rate limit is reached \(403\); it ends at 2030-03-17T17:46:40Z$/)
  const secondary = await failing(t, (response) => response.writeHead(429, { 'retry-after': '60' }).end('{}'))
  assert.match(secondary.message, /rate limit is reached \(429\); try again in 60 s$/)
  assert.match((await failing(t, (response) => response.writeHead(429).end())).message, /rate limit.*later/)
  const fake = await githubApiFor(t)
  fake.fault = (_, response) => {
    response.writeHead(403, spent).end('{}')
    return 'answered'
  }
  const stranger = githubApi({ url: fake.url, token: undefined, timeoutMilliseconds: 5_000 })
  await assert.rejects(accountNamed(stranger, 'acme'), /without a token there are 60.*set GITHUB_TOKEN/)
})

test('a refusal of one thing is not the rate limit', async (t) => {
  const refused = await failing(t, (response) => response.writeHead(403).end('{}'))
  assert.ok(refused instanceof GithubRefused)
  const sso = await failing(t, (response) =>
    response.writeHead(403, { 'x-github-sso': 'required' }).end('{}'),
  )
  assert.match(sso.message, /single sign-on/)
  assert.ok((await failing(t, (response) => response.writeHead(451).end('{}'))) instanceof GithubRefused)
})

test('a token that GitHub does not accept, and trouble at its side, are said so', async (t) => {
  assert.match((await failing(t, (response) => response.writeHead(401).end('{}'))).message, /token \(401\)/)
  assert.match((await failing(t, (response) => response.writeHead(502).end('<html>'))).message, /status 502/)
  assert.match((await failing(t, (response) => response.socket?.destroy())).message, /cannot be reached/)
})

test('an answer that does not come, or does not end, is waited for so long and not longer', async (t) => {
  assert.match((await failing(t, () => undefined, 100)).message, /did not answer within 0\.1 s/)
  const halfway = await failing(t, (response) => response.writeHead(200).write('{"id":'), 100)
  assert.match(halfway.message, /did not answer within 0\.1 s/)
})

test('an answer without a whole number as id, or without a name, is no answer', async (t) => {
  const good = { id: 9919, login: 'acme', type: 'Organization' }
  for (const odd of ['9919', 1.5, 0, -1, 2 ** 53, null, undefined, [9919], { id: 9919 }, true]) {
    const thrown = await failing(t, (response) => sendJson(response, 200, { ...good, id: odd }))
    assert.ok(thrown instanceof GithubFault && /without an id/.test(thrown.message), String(odd))
  }
  for (const odd of [undefined, 7, '', 'a b', 'a\u001b[2J', 'x'.repeat(300)]) {
    const thrown = await failing(t, (response) => sendJson(response, 200, { ...good, login: odd }))
    assert.match(thrown.message, /without `login`/)
  }
  for (const text of ['', '{"id": 9919', '[]', 'null', '"x"']) {
    assert.match((await failing(t, (response) => response.end(text))).message, /not JSON/)
  }
  const long = await failing(t, (response) => response.end(`{"x":"${'y'.repeat(2_000_000)}"}`))
  assert.match(long.message, /more than such an answer can hold/)
})

test('an answer for another id than was asked is no answer', async (t) => {
  const fake = await githubApiFor(t)
  fake.fault = (_, response) => {
    sendJson(response, 200, { id: 1, login: 'x', type: 'User' })
    return 'answered'
  }
  await assert.rejects(accountOfId(open(fake), '2'), /another id/)
})

test('the token goes over https, or over loopback; never in a message', async () => {
  const at = (url: string, secret = token) => githubApi({ url, token: secret, timeoutMilliseconds: 1 })
  for (const url of [
    'http://api.github.example',
    'ftp://x',
    'x',
    'https://u:p@x.example',
    'https://x.example/?a',
  ]) {
    assert.throws(() => at(url), UsageFault, url)
  }
  for (const secret of [`${token}\nx`, `${token} x`, `${token}é`, `${token}\u0000`]) {
    assert.throws(
      () => at('https://api.github.example', secret),
      (thrown) => thrown instanceof UsageFault && !thrown.message.includes(token),
    )
  }
})
