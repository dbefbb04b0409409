import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { openGithubAppFake } from '../../../../../../test/fakes/github-app.ts'
import {
  bot,
  connectionOf,
  fake,
  grantOf,
  installed,
  issue,
  leftBy,
  open,
  settings,
  tools,
} from '../../../../test/github-app.ts'
import type { Json } from '../../../base/canonical-json.ts'
import { Secret } from '../../../base/secret.ts'
import { openGithubAppTarget } from './github-app.ts'

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
