/** A static secret that the broker's own store keeps: given by an operator while the broker runs, and replaced. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  npm: { tier: shared, access: write, max: 20m, secret: npm-publish }
  licence: { tier: shared, access: write, max: 20m, secret: licence }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [npm, orders-api, orders-api-staging], for: 10m }
`

const newSecret = () => `npm_${randomBytes(18).toString('hex')}`

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  appendFileSync(
    site.config,
    'connections: { secret: { npm-publish: { sealed: true }, licence: { sealed: true } } }\n',
  )
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = (audience: string) => exchange(broker.url, github.idTokenOf(job, site.url), { audience })
  const operator = (typed: readonly string[], input = '') =>
    mayfly([...typed, '--config', site.config], { input })
  const listed = async () => {
    const { secrets } = JSON.parse((await operator(['secrets', 'list', '--json'])).stdout) as {
      secrets: { name: string; kept?: { uses: number; ageSeconds: number; lastUsedAt?: number } }[]
    }
    return new Map(secrets.map(({ name, kept }) => [name, kept]))
  }
  return { site, broker, get, operator, listed }
}

test('put while the broker runs, given, counted, replaced, and the next job gets the new one', async (t) => {
  const { site, broker, get, operator, listed } = await start(t)
  const [first, second] = [newSecret(), newSecret()]
  assert.match(broker.lines.join('\n'), /npm-publish is sealed, and the store has none/)
  assert.equal((await get('npm')).status, 400, 'there is none yet')

  const put = await operator(['secrets', 'put', 'npm-publish'], `${first}\n`)
  assert.deepEqual([put.exitCode, put.stdout], [0, 'npm-publish is kept\n'])
  assert.equal((await get('npm')).body['access_token'], first)
  assert.equal((await get('licence')).status, 400, 'not for this job')

  const again = await operator(['secrets', 'put', 'npm-publish', '--json'], second)
  assert.deepEqual(JSON.parse(again.stdout), { name: 'npm-publish', replaced: true })
  const answer = await get('npm')
  assert.equal(answer.body['access_token'], second)
  assert.equal(answer.body['token_type'], 'N_A')

  const kept = (await listed()).get('npm-publish')
  assert.equal(kept?.uses, 2)
  assert.ok((kept?.ageSeconds ?? 999) < 100 && kept?.lastUsedAt !== undefined)
  assert.equal((await listed()).get('licence'), undefined)
  const table = await operator(['secrets', 'list'])
  assert.match(table.stdout, /^npm-publish +\S+Z +\d+s +2 +\S+Z +master key/m)
  assert.match(table.stdout, /^licence +- +- +- +- +- +has no value yet$/m)
  const { text } = await ask(`${broker.url}/metrics`)
  assert.match(text, /^mayfly_secret_age_seconds\{secret="npm-publish"\} \d{1,2}$/m)

  const log = await exportedLog(site.config)
  const changes = log.entries.map(({ type }) => type).filter((type) => type.startsWith('secret.'))
  assert.deepEqual(changes, ['secret.put', 'secret.put'])
  const seen = [put, again, table].map(({ stdout, stderr }) => stdout + stderr).join('')
  const files = globSync(join(site.folder, 'mayfly.db*')).map((path) => readFileSync(path, 'latin1'))
  assert.ok(files.length > 0)
  for (const secret of [first, second])
    for (const place of [log.text, broker.lines.join('\n'), seen, text, ...files])
      assert.ok(!place.includes(secret))
})

test('removed, no job gets it; what never was there cannot be removed', async (t) => {
  const { site, get, operator } = await start(t)
  await operator(['secrets', 'put', 'npm-publish'], newSecret())
  assert.equal((await get('npm')).status, 200)
  assert.equal((await operator(['secrets', 'remove', 'npm-publish'])).exitCode, 0)
  assert.equal((await get('npm')).status, 400)
  assert.equal((await operator(['secrets', 'remove', 'npm-publish'])).exitCode, 1)
  const { entries } = await exportedLog(site.config)
  const types = entries.map(({ type }) => type)
  assert.equal(types.filter((type) => type === 'secret.removed').length, 1)
  // The job that got none has no lease, and the log says so.
  const { leases } = JSON.parse((await operator(['leases', 'list', '--json'])).stdout)
  assert.equal(leases.length, 1)
  assert.equal(types.filter((type) => type === 'credential.issued').length, 1)
  assert.equal(types.filter((type) => type === 'credential.refused').length, 1)
})

test('wrapped anew, a secret is the same, and so are its age and its use', async (t) => {
  const { get, operator, listed } = await start(t)
  const secret = newSecret()
  assert.equal((await operator(['secrets', 'rewrap'])).stdout, 'no secrets\n')
  await operator(['secrets', 'put', 'npm-publish'], secret)
  await get('npm')
  const before = (await listed()).get('npm-publish')
  const { exitCode, stdout } = await operator(['secrets', 'rewrap', '--json'])
  assert.equal(exitCode, 0)
  assert.deepEqual(JSON.parse(stdout), { wrappedBy: 'master key', rewrapped: ['npm-publish'], failed: [] })
  const { ageSeconds: _, ...after } = (await listed()).get('npm-publish') ?? { ageSeconds: 0 }
  assert.deepEqual({ ...after, ageSeconds: before?.ageSeconds }, before)
  assert.equal((await get('npm')).body['access_token'], secret)
})

test('a value that cannot be one, and a name that nobody configured, are refused without showing anything', async (t) => {
  const { operator } = await start(t)
  const secret = newSecret()
  for (const [name, input, said] of [
    ['npm-publish', '\n', /the secret is empty/],
    ['npm-publish', 'x'.repeat(70_000), /longer than 65536/],
    ['npm-publish', `${secret}\ufffd`, /no text in UTF-8/],
    ['npm', secret, /no sealed `npm`; it has `npm-publish`, `licence`/],
  ] as const) {
    const { exitCode, stdout, stderr } = await operator(['secrets', 'put', name], input)
    assert.equal(exitCode, 1)
    assert.match(stderr, said)
    assert.ok(!(stdout + stderr).includes(secret))
  }
  const onTheLine = await operator(['secrets', 'put', 'npm-publish', secret])
  assert.equal(onTheLine.exitCode, 2)
  assert.ok(!(onTheLine.stdout + onTheLine.stderr).includes(secret), onTheLine.stderr)
})
