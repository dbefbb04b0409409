/** The policy as an Auth0 Action: the exported file runs where it sees what Auth0 documents, and decides as the broker does. */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { decide } from '@mayfly/policy/decide'
import { loadPolicy } from '@mayfly/policy/load'
import { tenantText } from '../../packages/cli/src/auth0/tenant.ts'
import { claimsOfJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'

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
await import('node:fs').then(({ mkdirSync }) => mkdirSync(policies))
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
const keys = new Map([['k1', generateKeyPairSync('rsa', { modulusLength: 2048 })]])

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

/** Auth0's tenant: a cache, keys of the issuer, and what the Action did. */
function tenant(source = code) {
  const cache = new Map<string, { value: string; until: number }>()
  const fetched: string[] = []
  const fetchKeys = async (url: string, options: { redirect?: string }) => {
    fetched.push(url)
    assert.equal(options.redirect, 'error')
    const all = [...keys].map(([kid, { publicKey }]) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      use: 'sig',
      alg: 'RS256',
    }))
    return { status: 200, text: async () => JSON.stringify({ keys: all }) }
  }
  const load = createRequire(import.meta.url)
  const sandbox = {
    exports: {} as { onExecuteCustomTokenExchange?: (event: object, api: object) => Promise<void> },
    require: (name: string) => {
      assert.equal(name, 'node:crypto', 'an Action has Node and nothing else')
      return load(name)
    },
    ...{ fetch: fetchKeys, Buffer, TextDecoder, AbortSignal, console: {} },
  }
  new Script(source).runInContext(createContext(sandbox))
  const run = async (token: string, identifier: string, scopes: readonly string[] = []) => {
    const done: [string, ...unknown[]][] = []
    const note =
      (name: string) =>
      (...given: unknown[]) =>
        void done.push([name, ...given])
    const api = {
      access: { deny: note('deny'), rejectInvalidSubjectToken: note('reject') },
      authentication: { setUserByConnection: note('user'), setActor: note('actor') },
      cache: {
        get: (key: string) => {
          const found = cache.get(key)
          return found !== undefined && found.until > Date.now() ? { value: found.value } : undefined
        },
        set: (key: string, value: string, { ttl }: { ttl: number }) =>
          void cache.set(key, { value, until: Date.now() + ttl }),
      },
    }
    const event = {
      resource_server: { identifier },
      transaction: {
        subject_token: token,
        subject_token_type: 'urn:mayfly:job-token',
        requested_scopes: scopes,
      },
    }
    await sandbox.exports.onExecuteCustomTokenExchange?.(event, api)
    // What comes from another realm is compared as what it says.
    return JSON.parse(JSON.stringify(done)) as typeof done
  }
  return { run, fetched, cache }
}

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

function token(
  body: Record<string, unknown>,
  head: object = {},
  key: KeyObject | undefined = keys.get('k1')?.privateKey,
): string {
  assert.ok(key !== undefined)
  const input = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'k1', ...head })}.${encode(body)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

test('the export says what it leaves out, and fits into an Action', async () => {
  assert.equal(exported.exitCode, 0, exported.stderr)
  assert.match(exported.stderr, /left out, because Auth0 gives tokens for APIs alone: db \(postgres_role\)/)
  assert.match(exported.stderr, /tokens for `orders` live 300 s for every grant/)
  assert.ok(Buffer.byteLength(code) < 100_000)
  const terraform = readFileSync(join(folder, 'out/mayfly.tf'), 'utf8')
  assert.match(
    terraform,
    /identifier {11}= "https:\/\/orders\.acme\.example"\n {2}signing_alg {10}= "RS256"\n {2}allow_offline_access = false\n {2}token_lifetime {7}= 300\n/,
  )
  assert.match(terraform, /subject_token_type = "urn:mayfly:job-token"/)
  const dollar = '$'
  const api = { name: 'a b', audience: `https://${dollar}{x}.%{if}"\\.example`, scopes: [], seconds: 60 }
  const odd = tenantText({ connection: 'c', subjectTokenType: 'urn:t', actionFile: 'a.js', apis: [api] })
  assert.ok(odd.includes(`identifier           = "https://${dollar}${dollar}{x}.%%{if}\\"\\\\.example"`))
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
    assert.equal(
      done[0]?.[0],
      expected.allowed ? 'user' : 'deny',
      JSON.stringify([given, target, scopes, expected, done]),
    )
    if (expected.allowed) allowed++
    else assert.equal(done[0]?.[1], expected.code === 'scope' ? 'invalid_scope' : 'invalid_target')
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
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const [head = '', body = '', signature = ''] = good.split('.')
  const pem = keys.get('k1')?.publicKey.export({ type: 'spki', format: 'pem' }) ?? ''
  const confused = `${encode({ alg: 'HS256', kid: 'k1' })}.${body}`
  const wrong: Record<string, string> = {
    'another key': token(claims(), {}, other.privateKey),
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
  cache.delete(`asked:${issuer}`)
  keys.set('k2', generateKeyPairSync('rsa', { modulusLength: 2048 }))
  const next = () =>
    run(token(claims(), { kid: 'k2' }, keys.get('k2')?.privateKey), 'https://docs.acme.example')
  assert.equal((await next())[0]?.[0], 'user')
  for (let i = 0; i < 5; i++)
    await run(token(claims(), { kid: `stranger-${i}` }), 'https://docs.acme.example')
  assert.equal(fetched.length, 2)
})

test('a difference between the Action and the evaluator would be seen', async () => {
  // The branch of the grants in the compiled policy, changed behind the evaluator's back.
  const planted = code.replaceAll('refs/heads/main', 'refs/heads/evil')
  assert.notEqual(planted, code)
  const [done] = await tenant(planted).run(token(claims()), 'https://orders.acme.example', ['write'])
  assert.equal(done?.[0], 'deny')
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
