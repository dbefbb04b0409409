/** The policy as an Auth0 Action: the exported file runs where it sees what Auth0 documents, and decides as the broker does. */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { decide } from '@mayfly/policy/decide'
import { loadPolicy } from '@mayfly/policy/load'
import { exportAction } from '../../packages/cli/src/auth0/export.ts'
import { claimsOfJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { auth0Tenant } from '../fakes/auth0-tenant.ts'
import { newSigningKey, signToken } from '../fakes/signing-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'mayfly-auth0-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const policyText = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders: { tier: production, max: 15m, token: { audience: https://orders.acme.example, scopes: { read: read, write: write } } }
  docs: { tier: shared, auth0: { tenant: main, audience: https://docs.acme.example }, access: read }
  db: { tier: shared, access: read, postgres_role: { server: a, role: b } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: production, runner_environment: github-hosted }, get: { target: orders, scopes: [read, write] }, for: 10m }
  - { name: readers, who: { repo: acme/shop, branch: { like: [main, "release/*"] }, runner_environment: github-hosted, environment: [production, staging] }, get: { target: orders, scopes: [read] }, for: 5m }
  - { name: docs, who: { repo: acme/shop, branch: { like: "*" } }, get: [docs, db], for: 5m }
deny:
  - { name: no freeze, who: { environment: frozen }, get: docs }
guardrails:
  - { name: only production writes, only: { environment: production }, get: { target: orders, scope: write } }
tests:
  - { name: yes, token: { repo: acme/shop, branch: main, environment: production }, asks: orders, expect: grant }
  - { name: no, token: { repo: acme/shop, branch: x, environment: production }, asks: orders, expect: deny }
`
const lockText = 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n'
const policies = join(folder, 'policies')
mkdirSync(policies)
writeFileSync(join(policies, 'a.policy.yaml'), policyText)
writeFileSync(join(policies, 'policy.lock.yaml'), lockText)
const loaded = loadPolicy([{ path: 'a.policy.yaml', text: policyText }], {
  path: 'policy.lock.yaml',
  text: lockText,
})
assert.ok(loaded.ok, JSON.stringify(loaded.ok ? '' : loaded.problems))
const { policy } = loaded

const issuer = 'https://token.actions.githubusercontent.com'
const audience = 'https://acme.eu.auth0.com/'
const rsaKey = newSigningKey('k1')
const keys = [rsaKey, newSigningKey('k2'), newSigningKey('k3'), newSigningKey('k4')]

const exportTo = (out: string, ...more: string[]) =>
  mayfly([
    'export',
    'auth0-action',
    '--domain',
    'acme.eu.auth0.com',
    '--out',
    join(folder, out),
    ...more,
    policies,
  ])

const exported = await exportTo('out')
const code = exported.exitCode === 0 ? readFileSync(join(folder, 'out/auth0-action.js'), 'utf8') : ''

const tenant = (source = code) => auth0Tenant(source, keys)

let count = 0
const now = () => Math.floor(Date.now() / 1000)
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function claims(given: object = {}): Record<string, unknown> {
  count++
  const own = claimsOfJob(
    { runId: String(9000 + count), checkRunId: String(5000 + count) },
    { environment: 'production', ...given },
  )
  return {
    iss: issuer,
    aud: audience,
    iat: now() - 5,
    nbf: now() - 5,
    exp: now() + 295,
    jti: `jti-${count}`,
    ...own,
    ...given,
  }
}

const token = (body: Record<string, unknown>, head: object = {}, key = rsaKey) =>
  signToken(key, body, { ...head })

test('the export says what it leaves out, and fits into an Action', async () => {
  assert.equal(exported.exitCode, 0, exported.stderr)
  assert.match(exported.stderr, /left out, because Auth0 gives tokens for APIs alone: db \(postgres_role\)/)
  assert.match(exported.stderr, /tokens for `orders` live 300 s for every grant/)
  assert.ok(Buffer.byteLength(code) < 100_000)
  const terraform = readFileSync(join(folder, 'out/mayfly.tf'), 'utf8')
  assert.match(terraform, /identifier +=\s"https:\/\/orders\.acme\.example"\n/)
  assert.match(terraform, /token_lifetime += 300\n/)
  assert.match(terraform, /user \{\n +policy = "require_client_grant"\n/)
  assert.match(terraform, /subject_token_type = "urn:mayfly:job-token"/)
  assert.equal((await exportTo('again')).exitCode, 0)
  assert.equal(readFileSync(join(folder, 'again/auth0-action.js'), 'utf8'), code)
})

test('a job of the policy gets a user for its repository and environment, and is the actor', async () => {
  const done = await tenant().run(token(claims()), 'https://orders.acme.example', ['write', 'openid'])
  const [[, connection, user, options] = [], actor, ...more] = done
  assert.deepEqual(
    [connection, options],
    ['mayfly-workloads', { creationBehavior: 'create_if_not_exists', updateBehavior: 'none' }],
  )
  assert.match(String((user as { user_id: string }).user_id), /^github:9919:40211:[0-9a-f]{16}$/)
  assert.match(JSON.stringify(actor), /^\["actor",\{"sub":"github:job:\d+\/1\/\d+"\}\]$/)
  assert.deepEqual(more, [])
})

test('every combination of claims is decided as the evaluator decides it', async () => {
  const { run } = tenant()
  const choices: Record<string, readonly unknown[]> = {
    repository_id: ['40211', '666'],
    repository_owner_id: ['9919', '667'],
    environment: ['production', 'staging', 'frozen', undefined],
    ref: ['refs/heads/main', 'refs/heads/release/1', 'refs/heads/x', 'refs/pull/7/merge'],
    event_name: ['push', 'pull_request'],
    runner_environment: ['github-hosted', 'self-hosted'],
  }
  let tokens: Record<string, unknown>[] = [{}]
  for (const [name, values] of Object.entries(choices))
    tokens = tokens.flatMap((each) => values.map((value) => ({ ...each, [name]: value })))
  const asks = [
    ['https://orders.acme.example', 'orders', []],
    ['https://orders.acme.example', 'orders', ['write']],
    ['https://orders.acme.example', 'orders', ['admin']],
    ['https://docs.acme.example', 'docs', []],
    ['https://none.acme.example', 'https://none.acme.example', []],
  ] as const
  let allowed = 0
  const questions = tokens.flatMap((given) => asks.map((asked) => [given, asked] as const))
  for (const [given, [identifier, target, scopes]] of questions) {
    const body = claims(given)
    const expected = decide(policy, {
      issuer: 'github',
      claims: body,
      target,
      ...(scopes.length === 0 ? {} : { scopes }),
    })
    const done = await run(token(body), identifier, scopes)
    // Without a scope Auth0 might give all of the API's: then the job must be allowed to have all.
    const all = policy.targets.get(target)?.scopes.size
    const narrower = expected.allowed && scopes.length === 0 && expected.scopes.length !== all
    const allows = expected.allowed && !narrower
    assert.equal(
      done[0]?.[0],
      allows ? 'user' : 'deny',
      JSON.stringify([given, target, scopes, expected, done]),
    )
    if (allows) allowed++
    else
      assert.equal(
        done[0]?.[1],
        narrower || (!expected.allowed && expected.code === 'scope') ? 'invalid_scope' : 'invalid_target',
      )
  }
  assert.ok(questions.length === 1_280 && allowed > 10 && allowed < 400, `${allowed} of ${questions.length}`)
})

test('a refusal says to the caller what to change, and to a stranger nothing', async () => {
  const { run } = tenant()
  const [mine] = await run(token(claims({ environment: 'staging' })), 'https://orders.acme.example', [
    'write',
  ])
  assert.match(String(mine?.[2]), /scope `write` is not granted/)
  const [branch] = await run(token(claims({ ref: 'refs/heads/x' })), 'https://orders.acme.example')
  assert.match(String(branch?.[2]), /run it on `branch main`/)
  const [stranger] = await run(
    token(
      claims({
        repository_id: '666',
        repository: 'mallory/x',
        repository_owner: 'mallory',
        repository_owner_id: '667',
      }),
    ),
    'https://orders.acme.example',
  )
  assert.doesNotMatch(String(stranger?.[2]), /shop|main|production/)
  const [offline] = await run(token(claims()), 'https://orders.acme.example', ['offline_access'])
  assert.deepEqual(offline?.slice(0, 2), ['deny', 'invalid_scope'])
})

test('tokens that are none are rejected, whatever is wrong with them', async () => {
  const { run } = tenant()
  const good = token(claims())
  const other = newSigningKey('k1')
  const [head = '', body = '', signature = ''] = good.split('.')
  const pem = createPublicKey(rsaKey.privateKey).export({ type: 'spki', format: 'pem' })
  const confused = `${encode({ alg: 'HS256', kid: 'k1' })}.${body}`
  const wrong: Record<string, string> = {
    'another key': token(claims(), {}, other),
    'an unknown key': token(claims(), { kid: 'k9' }),
    'no algorithm': `${encode({ alg: 'none', kid: 'k1' })}.${body}.`,
    'HS256 with the public key': `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`,
    'a changed claim': `${head}.${encode(claims())}.${signature}`,
    'another issuer': token(claims({ iss: 'https://issuer.example' })),
    'another audience': token(claims({ aud: 'https://github.com/acme' })),
    'two audiences': token(claims({ aud: [audience, 'x'] })),
    ended: token(claims({ iat: now() - 900, nbf: now() - 900, exp: now() - 300 })),
    'too old': token(claims({ iat: now() - 900, nbf: now() - 900 })),
    'in the future': token(claims({ iat: now() + 600, nbf: now() + 600, exp: now() + 900 })),
    'a life of days': token(claims({ exp: now() + 200_000 })),
    'no jti': token(claims({ jti: undefined })),
    'times as text': token(claims({ exp: String(now() + 100) })),
    'critical headers': token(claims(), { crit: ['x'] }),
    'no token': 'x',
    'four parts': `${good}.x`,
    huge: `${'a'.repeat(20_000)}.a.a`,
  }
  for (const [what, text] of Object.entries(wrong)) {
    const done = await run(text, 'https://orders.acme.example')
    assert.deepEqual([done.length, done[0]?.[0]], [1, 'reject'], what)
  }
  assert.equal((await run(good, 'https://orders.acme.example'))[0]?.[0], 'user')
  assert.deepEqual((await run(good, 'https://orders.acme.example'))[0], ['reject', 'it was used before'])
})

test('keys are fetched once, again for a new key, and not for every stranger', async () => {
  const { run, fetched, cache } = tenant()
  for (let i = 0; i < 3; i++) await run(token(claims()), 'https://docs.acme.example')
  assert.deepEqual(fetched, [`${issuer}/.well-known/jwks`])
  for (const name of [...cache.keys()].filter((each) => each.startsWith('asked'))) cache.delete(name)
  const next = newSigningKey('next')
  keys.push(next)
  assert.equal((await run(token(claims(), {}, next), 'https://docs.acme.example'))[0]?.[0], 'user')
  for (let i = 0; i < 5; i++)
    await run(token(claims(), { kid: `stranger-${i}` }), 'https://docs.acme.example')
  assert.equal(fetched.length, 2)
})

test('what Auth0 cannot keep is an error that names it, and writes nothing', async () => {
  const database = await exportTo('none', '--target', 'orders,db')
  assert.equal(database.exitCode, 1)
  assert.match(database.stderr, /`db` is of kind postgres_role; Auth0 gives tokens for an API alone/)
  assert.throws(() => readFileSync(join(folder, 'none/auth0-action.js')))
  assert.equal((await exportTo('none', '--target', 'nobody')).exitCode, 1)
  assert.equal((await exportTo('none', '--issuer', 'gitlab=https://gitlab.com')).exitCode, 1)
  assert.equal((await mayfly(['export', 'auth0-action', '--out', folder, policies])).exitCode, 2)
})

test('an API is the one of its audience: not the target of the same name, nor a scope of OpenID Connect', async () => {
  const { run } = tenant()
  const [named] = await run(token(claims()), 'orders', ['read'])
  assert.deepEqual(named?.slice(0, 2), ['deny', 'invalid_target'])
  const [all] = await run(token(claims({ environment: 'staging' })), 'https://orders.acme.example')
  assert.deepEqual(all, ['deny', 'invalid_scope', 'Say which scopes, all or some of these: read'])
  const text = policyText.replace('read: read, write: write }', 'read: read, write: write, email: read }')
  const own = loadPolicy([{ path: 'a.policy.yaml', text }], { path: 'policy.lock.yaml', text: lockText })
  assert.ok(own.ok)
  const settings = { audience, issuers: { github: issuer }, connection: 'c', subjectTokenType: 'urn:t' }
  const runtime = readFileSync('packages/cli/assets/auth0-action.js', 'utf8')
  const [email] = await tenant(exportAction(own.policy, settings, runtime).action).run(
    token(claims()),
    'https://orders.acme.example',
    ['read', 'email'],
  )
  assert.deepEqual(email?.slice(0, 2), ['deny', 'invalid_scope'])
})

test('the last hundred tokens are used once, and keys stay, in the little that Auth0 remembers', async () => {
  const many = [
    rsaKey,
    ...Array.from({ length: 12 }, (_, at) => ({ ...rsaKey, jwk: { ...rsaKey.jwk, kid: `o${at}` } })),
  ]
  const { run, fetched, cache } = auth0Tenant(code, many)
  const tokens = Array.from({ length: 200 }, () => token(claims()))
  for (const each of tokens) assert.equal((await run(each, 'https://docs.acme.example'))[0]?.[0], 'user')
  for (const each of tokens.slice(-100))
    assert.deepEqual(await run(each, 'https://docs.acme.example'), [['reject', 'it was used before']])
  assert.ok(cache.size <= 3 && fetched.length === 1, `${cache.size} entries, ${fetched.length} fetches`)
})

test('a refusal spends no token: the job may ask again for less', async () => {
  const { run } = tenant()
  const refused = token(claims())
  assert.equal((await run(refused, 'https://orders.acme.example', ['admin']))[0]?.[0], 'deny')
  assert.equal((await run(refused, 'https://orders.acme.example', ['read']))[0]?.[0], 'user')
})
