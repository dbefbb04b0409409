/** Ways to end that no job takes part in: a changed policy, the kill switch, a webhook that never came. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { fakeTools } from '../fakes/clock.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { openGithubAppFake } from '../fakes/github-app.ts'
import { ordersApi } from '../fakes/orders-api.ts'
import { passingTime } from '../fakes/passing-time.ts'
import { accessToken, ask, call, exchange } from '../fakes/requests.ts'
import { runBroker, runBrokerWith } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

async function start(t: TestContext) {
  const github = await githubFor(t)
  const api = await ordersApi(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, upstream: api.url })
  const get = async (url: string, environment: string, audience: string) =>
    exchange(url, github.idToken({ ...pushJob(environment), aud: site.url }), { audience })
  return { github, site, get }
}

const policyFile = (site: Site) => join(site.folder, 'policies/startup.policy.yaml')

function edit(site: Site, from: string | RegExp, to: string): void {
  const before = readFileSync(policyFile(site), 'utf8')
  const after = before.replace(from, to).replace(/^tests:[\s\S]*$/m, '')
  assert.notEqual(after, before)
  writeFileSync(policyFile(site), after)
}

/** Calls until the answer is this, which is what happens in the background of a change. */
async function becomes(status: number, url: string, token: string): Promise<void> {
  for (let tries = 0; (await call(url, token)).status !== status; tries++) {
    assert.ok(tries < 400, `it never became ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const changes: readonly [what: string, from: string | RegExp, to: string, why: RegExp][] = [
  ['it takes the grant away', 'environment: production, runner', 'environment: live, runner', /no_grant/],
  ['it shortens the lifetime to less than what is over', 'for: 10m', 'for: 1s', /1 s now/],
  [
    'it takes a scope away',
    'orders.acme.example, scopes: [orders:read, orders:write]',
    'orders.acme.example, scopes: [orders:read]',
    /settings of the target changed/,
  ],
  [
    'it says the same in other words: nothing ends',
    /orders-api$/m,
    'orders-api # a comment changes nothing',
    /nothing/,
  ],
]

test('a policy that would not give a lease any more ends it, and says why; the others live', async (t) => {
  for (const [what, from, to, why] of changes) {
    await t.test(what, async (t) => {
      const { site, get } = await start(t)
      const broker = await runBroker(t, site.config)
      const [production = '', staging = ''] = broker.routes.map(({ url }) => url)
      const token = accessToken(await get(broker.url, 'production', 'orders-api'))
      const other = accessToken(await get(broker.url, 'staging', 'orders-api-staging'))
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      edit(site, from, to)
      await broker.reloadPolicy()
      const kept = String(why) === '/nothing/'
      if (!kept) await becomes(401, production, token)
      assert.equal((await call(staging, other)).status, 200)
      assert.equal((await call(production, token)).status, kept ? 200 : 401)
      const { entries } = await exportedLog(site.config)
      const ends = entries.filter(({ type }) => type === 'lease.ended') as unknown as {
        by: string
        detail: string
      }[]
      assert.deepEqual(
        ends.map(({ by }) => by),
        kept ? [] : ['policy'],
      )
      if (!kept) assert.match(ends[0]?.detail ?? '', why)
    })
  }
})

test('a policy that changed while no broker ran ends what it would not give as soon as one runs', async (t) => {
  const { site, get } = await start(t)
  const first = await runBroker(t, site.config)
  const token = accessToken(await get(first.url, 'production', 'orders-api'))
  await first.close()
  edit(site, 'environment: production, runner', 'environment: live, runner')
  const second = await runBroker(t, site.config)
  await becomes(401, second.routes[0]?.url ?? '', token)
})

test('the kill switch ends what a target gave and stops it, at every broker, until it is on again', async (t) => {
  const { site, get } = await start(t)
  const brokers = [await runBroker(t, site.config), await runBroker(t, site.replica)]
  const [one, two] = brokers.map(({ url }) => url) as [string, string]
  const tokens = [one, two].map(async (url) => accessToken(await get(url, 'production', 'orders-api')))
  const [token = '', other = ''] = await Promise.all(tokens)
  const staging = accessToken(await get(one, 'staging', 'orders-api-staging'))
  const operator = async (...typed: string[]) => {
    const done = await mayfly([...typed, '--config', site.config])
    assert.equal(done.exitCode, 0, done.stderr)
    return done
  }
  const off = await operator('switch', 'off', '--target', 'orders-api', '--because', 'incident 42')
  assert.match(off.stdout, /^target orders-api is off\nended ls_\w+\nended ls_\w+\n$/)
  for (const { routes } of brokers) {
    for (const each of [token, other]) assert.equal((await call(routes[0]?.url ?? '', each)).status, 401)
    assert.equal((await call(routes[1]?.url ?? '', staging)).status, 200)
  }
  const refused = await get(two, 'production', 'orders-api')
  assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_target'])
  assert.match((await operator('switch', 'list')).stdout, /^target +orders-api$/m)
  await operator('switch', 'off', '--repo', 'Acme/Shop')
  assert.equal((await get(one, 'staging', 'orders-api-staging')).status, 400)
  await operator('switch', 'on', '--repo', 'acme/shop')
  await operator('switch', 'on', '--target', 'orders-api')
  assert.equal((await get(two, 'production', 'orders-api')).status, 200)
  const { entries } = await exportedLog(site.config)
  const turns = entries.filter(({ type }) => String(type).startsWith('switch.')).map(({ type }) => type)
  assert.deepEqual(turns, ['switch.off', 'switch.off', 'switch.on', 'switch.on'])

  const wrong = await mayfly(['switch', 'off', '--config', site.config])
  assert.equal(wrong.exitCode, 2)
  const unknown = await mayfly(['switch', 'off', '--target', 'order-api', '--config', site.config])
  assert.match(unknown.stderr, /No target `order-api` is in the policy/)
  assert.equal((await mayfly(['switch', 'on', '--target', 'none', '--config', site.config])).exitCode, 1)
})

test('all leases of a repository end at the word of an operator', async (t) => {
  const { site, get } = await start(t)
  const broker = await runBroker(t, site.config)
  const token = accessToken(await get(broker.url, 'production', 'orders-api'))
  const revoked = async (repository: string) =>
    (await mayfly(['leases', 'revoke', '--repo', repository, '--config', site.config])).stdout
  assert.equal(await revoked('acme/sho'), 'nothing to end\n')
  assert.match(await revoked('ACME/shop'), /^ended ls_\w+\n$/)
  assert.equal((await call(broker.routes[0]?.url ?? '', token)).status, 401)
})

test('a job whose webhook never came is asked for at GitHub, and ends', async (t) => {
  const tools = fakeTools()
  const api = await openGithubAppFake(tools.now)
  atEnd(t, () => api.close())
  const app = api.newApp()
  api.install(app, 'acme', ['shop'], { actions: 'read', metadata: 'read' })
  const github = await githubFor(t, { now: tools.now })
  const upstream = await ordersApi(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, upstream: upstream.url })
  const text = readFileSync(site.config, 'utf8')
  writeFileSync(
    site.config,
    text.replace('./webhook-secret } }', './webhook-secret }, ask: { github: acme-bot } }'),
  )
  const connection = `{ app_id: "${app.id}", private_key: { file: ./app.pem }, api: "${api.url}", dangerously_allow_http: true }`
  appendFileSync(site.config, `connections: { github_app: { acme-bot: ${connection} } }\n`)
  writeFileSync(join(site.folder, 'app.pem'), app.privateKey)
  edit(site, 'for: 15m', 'for: 40m')
  const broker = await runBrokerWith(t, site.config, tools)
  const pass = passingTime(tools)
  const jobs = [github.job(pushJob('staging')), github.job(pushJob('staging'))]
  const tokens: string[] = []
  for (const job of jobs) {
    const { run_id: run, run_attempt: attempt, check_run_id: id } = job.claims
    api.runs.set(`acme/shop/${run}/${attempt}`, {
      status: 'in_progress',
      jobs: [{ id: String(id), status: 'in_progress' }],
    })
    tokens.push(
      accessToken(
        await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'orders-api-staging' }),
      ),
    )
  }
  const proxy = broker.routes[1]?.url ?? ''
  const [gone, running] = jobs
  assert.ok(gone !== undefined && running !== undefined)
  await pass(950_000, 50_000)
  for (const token of tokens) assert.equal((await call(proxy, token)).status, 200)
  const { run_id: run, run_attempt: attempt, check_run_id: id } = gone.claims
  api.runs.set(`acme/shop/${run}/${attempt}`, {
    status: 'in_progress',
    jobs: [{ id: String(id), status: 'completed' }],
  })
  await pass(300_000, 50_000)
  await becomes(401, proxy, tokens[0] ?? '')
  assert.equal((await call(proxy, tokens[1] ?? '')).status, 200)
  assert.match(
    (await ask(`${broker.url}/metrics`)).text,
    /^mayfly_leases_ended_total\{target="orders-api-staging",by="job_end"\} 1$/m,
  )
})
