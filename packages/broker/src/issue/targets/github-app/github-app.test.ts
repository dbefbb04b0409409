import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { fakeTools } from '../../../../../../test/fakes/clock.ts'
import { type Fault, openGithubAppFake } from '../../../../../../test/fakes/github-app.ts'
import type { Json } from '../../../base/canonical-json.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import { type Issued, IssueFailure, type Target } from '../../target.ts'
import { openGithubAppTarget } from './github-app.ts'

const tools = fakeTools()
const fake = await openGithubAppFake(() => tools.now())
after(() => fake.close())
const bot = fake.newApp()
const other = fake.newApp()
const installed = fake.install(bot, 'Acme', ['shop', 'api', 'secret'], {
  contents: 'write',
  issues: 'read',
  organization_projects: 'admin',
})
fake.install(other, 'labs', ['lab'], { contents: 'read' })

beforeEach(() => {
  fake.fault = () => undefined
  fake.answer = (body) => body
  fake.asked.length = 0
  // Every test finds GitHub's limits and pauses over.
  tools.advance(3_700_000)
})

const connectionOf = (app: typeof bot) => ({
  app_id: String(app.id),
  private_key: new Secret(app.privateKey),
  api: fake.url,
})

function open(): Target {
  const connections = { 'acme-bot': connectionOf(bot), 'labs-bot': connectionOf(other) }
  return openGithubAppTarget({ connections, tools })
}

const settings = { app: 'acme-bot', repos: ['acme/shop'], permissions: { contents: 'read' }, scopes: [] }

function grantOf(over: { settings?: Json; scopes?: readonly string[]; seconds?: number } = {}): Grant {
  const issuedAt = Math.floor(tools.now() / 1000)
  return {
    leaseId: newId('ls', tools),
    principal: {
      issuer: 'github',
      iss: 'https://issuer.example',
      subject: 'repo:acme/shop:ref:refs/heads/main',
      claims: {},
      replayKey: 'key',
      replayUntil: issuedAt + 900,
    },
    target: 'release-bot',
    kind: 'github_app',
    settings: over.settings ?? settings,
    scopes: over.scopes ?? [],
    issuedAt,
    expiresAt: issuedAt + (over.seconds ?? 600),
  }
}

async function issue(target: Target, grant = grantOf()): Promise<Issued> {
  return await target.issue(grant, target.prepare(grant))
}

/** What is left of an issue that failed: `nothing`, `unknown`, or a handle. */
async function leftBy(target: Target, grant = grantOf()): Promise<[string, unknown]> {
  try {
    await issue(target, grant)
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
    return [code, thrown instanceof IssueFailure ? thrown.left : 'unknown']
  }
  return ['issued', undefined]
}

const octokit = (auth: string) =>
  new Octokit({ auth, baseUrl: fake.url, log: { debug() {}, info() {}, warn() {}, error() {} } })

testTarget('github_app', {
  open: async () => open(),
  grant: () => grantOf(),
  works: async (credential) => fake.works(credential.token.reveal()),
  learns: true,
})

test("GitHub's own client reads with the token, and gets no further than it reaches", async () => {
  const target = open()
  const issued = await issue(target)
  const client = octokit(issued.token.reveal())
  const file = { owner: 'acme', path: 'README.md' }
  const { data } = await client.rest.repos.getContent({ ...file, repo: 'shop' })
  assert.equal('content' in data && Buffer.from(data.content, 'base64').toString(), 'hello\n')
  await assert.rejects(client.rest.repos.getContent({ ...file, repo: 'secret' }), { status: 404 })
  const change = { ...file, repo: 'shop', message: 'm', content: '' }
  await assert.rejects(client.rest.repos.createOrUpdateFileContents(change), { status: 403 })
  await target.revoke?.(issued.handle?.() ?? null)
  await assert.rejects(client.rest.repos.getContent({ ...file, repo: 'shop' }), { status: 401 })
})

test('GitHub is asked for these repositories and permissions, and the token has no others', async () => {
  const wide = {
    app: 'acme-bot',
    repos: ['acme/shop', 'Acme/API', 'acme/api'],
    permissions: { contents: 'write', issues: 'read', organization_projects: 'admin' },
  }
  const { token } = await issue(open(), grantOf({ settings: wide }))
  const made = fake.tokens.get(token.reveal())
  assert.deepEqual(made?.repositories, ['Acme/shop', 'Acme/api'])
  assert.deepEqual(made?.permissions, { metadata: 'read', ...wide.permissions })
})

test('scopes are parts of the permissions: a job gets those that were granted', async () => {
  const scoped = {
    app: 'acme-bot',
    repos: ['acme/shop'],
    permissions: { contents: 'write', issues: 'read' },
    scopes: ['contents:read', 'contents:write', 'issues:read'],
  }
  const target = open()
  const permissionsFor = async (scopes: readonly string[]) => {
    const { token } = await issue(target, grantOf({ settings: scoped, scopes }))
    return fake.tokens.get(token.reveal())?.permissions
  }
  assert.deepEqual(await permissionsFor(['issues:read']), { metadata: 'read', issues: 'read' })
  assert.deepEqual(await permissionsFor(['contents:read', 'contents:write']), {
    metadata: 'read',
    contents: 'write',
  })
  assert.throws(() => target.prepare(grantOf({ settings: scoped, scopes: [] })), { code: 'target_refused' })
})

test('what GitHub would refuse for good is refused before anything is written or asked', () => {
  const target = open()
  const bad: readonly Json[] = [
    { ...settings, repos: ['acme/shop', 'labs/lab'] },
    { ...settings, repos: [] },
    { ...settings, repos: ['shop'] },
    { ...settings, repos: ['acme/..'] },
    { ...settings, repos: ['acme/shop/../../x'] },
    { ...settings, app: 'unknown' },
    { ...settings, permissions: {} },
    { ...settings, permissions: { contents: 'all' } },
    { ...settings, permissions: { 'contents"': 'read' } },
    { ...settings, scopes: ['contents:write'] },
    { ...settings, scopes: ['issues:read'] },
    { ...settings, installation: 1 },
  ]
  for (const each of bad)
    assert.throws(() => target.prepare(grantOf({ settings: each })), { code: 'target_refused' })
  assert.throws(() => target.prepare(grantOf({ seconds: 3601 })), /lives for an hour/)
  assert.deepEqual(fake.asked, [])
})

test('the place of an installation is asked for once an hour and owner, and each app asks as itself', async () => {
  const target = open()
  const lookUps = () => fake.asked.filter((each) => each.endsWith('/installation')).length
  await issue(target)
  await issue(target, grantOf({ settings: { ...settings, repos: ['ACME/api'] } }))
  assert.equal(lookUps(), 1)
  const labs = { ...settings, app: 'labs-bot', repos: ['labs/lab'] }
  await issue(target, grantOf({ settings: labs }))
  assert.equal(lookUps(), 2)
  await assert.rejects(issue(target, grantOf({ settings: { ...labs, app: 'acme-bot' } })), {
    code: 'target_refused',
    message: /not installed on labs\/lab/,
  })
  tools.advance(3_600_000)
  await issue(target)
  assert.equal(lookUps(), 4)
})

test('an app that was removed and installed again is found again', async () => {
  const target = open()
  await issue(target)
  const moved = { ...installed, id: 77_777 }
  fake.installations.splice(fake.installations.indexOf(installed), 1, moved)
  try {
    await issue(target)
    assert.deepEqual(fake.asked.slice(2), [
      'POST /app/installations/50000/access_tokens',
      'GET /repos/acme/shop/installation',
      'POST /app/installations/77777/access_tokens',
    ])
  } finally {
    fake.installations.splice(fake.installations.indexOf(moved), 1, installed)
  }
})

test('a token wider than asked for is ended and never handed over', async () => {
  const answers: readonly ((body: Record<string, unknown>) => unknown)[] = [
    (body) => ({ ...body, permissions: { contents: 'write' } }),
    (body) => ({ ...body, permissions: { contents: 'read', issues: 'read' } }),
    (body) => ({ ...body, permissions: { contents: 'read', metadata: 'write' } }),
    (body) => ({ ...body, permissions: { contents: 'read', __proto__: null, constructor: 'read' } }),
    (body) => ({ ...body, repositories: [{ full_name: 'Acme/shop' }, { full_name: 'Acme/secret' }] }),
    (body) => ({ ...body, repositories: [{ full_name: 'Evil/shop' }] }),
    (body) => ({ ...body, repository_selection: 'all' }),
    ({ repositories: _, ...body }) => body,
    ({ permissions: _, ...body }) => body,
    ({ expires_at: _, ...body }) => body,
  ]
  fake.tokens.clear()
  for (const answer of answers) {
    fake.answer = answer
    assert.deepEqual(await leftBy(open()), ['target_refused', 'nothing'])
    assert.equal(fake.tokens.size, 0)
  }
})

test('a token wider than asked for that cannot be ended at once stays known', async () => {
  fake.tokens.clear()
  fake.answer = (body) => ({ ...body, repository_selection: 'all' })
  fake.fault = (asked) => (asked.startsWith('DELETE') ? { status: 503, body: '' } : undefined)
  const target = open()
  const [code, left] = await leftBy(target)
  assert.equal(code, 'target_refused')
  assert.ok(
    typeof left === 'object' && left !== null && 'handle' in left && typeof left.handle === 'function',
  )
  const handle = left.handle() as Json
  await assert.rejects(async () => target.revoke?.(handle), { code: 'provider_unavailable' })
  assert.equal(fake.tokens.size, 1)
  fake.fault = () => undefined
  await target.revoke?.(handle)
  assert.equal(fake.tokens.size, 0)
})

const limited = (
  headers: Record<string, string>,
  status = 403,
  message = 'API rate limit exceeded',
): Fault => ({
  status,
  headers,
  body: JSON.stringify({ message }),
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

test('a key that is none is said at the start, without a word of it', () => {
  for (const text of [
    '',
    'hunter2',
    '-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----',
  ]) {
    const connections = { bot: { ...connectionOf(bot), private_key: new Secret(text) } }
    assert.throws(
      () => openGithubAppTarget({ connections, tools }),
      (thrown: unknown) =>
        thrown instanceof Error &&
        /bot\.private_key is not/.test(thrown.message) &&
        !/hunter2/.test(thrown.message),
    )
  }
  const folded = new Secret(bot.privateKey.replaceAll('\n', '\\n'))
  openGithubAppTarget({ connections: { bot: { ...connectionOf(bot), private_key: folded } }, tools })
})

test('the stand-in for GitHub is no stand-in of ours alone: its own library mints with it', async () => {
  const real = await openGithubAppFake(Date.now)
  try {
    const app = real.newApp()
    const place = real.install(app, 'acme', ['shop'], { contents: 'read' })
    const { request } = new Octokit({ baseUrl: real.url })
    const auth = createAppAuth({ appId: app.id, privateKey: app.privateKey, request })
    const { token } = await auth({
      type: 'installation',
      installationId: place.id,
      repositoryNames: ['shop'],
      permissions: { contents: 'read' },
    })
    assert.ok(real.works(token))
  } finally {
    real.close()
  }
})
