/** Starting, stopping and being wrong: nothing accepted is lost, and nothing wrong starts. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { mayfly } from '../fakes/mayfly.ts'
import { type Answered, ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

test('a broker that closes under load answers what it accepted, and every answer is in the log', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const answers: Answered[] = []
  const broken: unknown[] = []
  let closing = false
  const client = async () => {
    while (!closing) {
      const token = github.idToken({ ...pushJob('production'), aud: site.url })
      const begunBefore = !closing
      const answer = await exchange(broker.url, token, {}, agent).catch((thrown: unknown) => {
        // Only who comes after the door was closed may find nobody.
        if (begunBefore && (thrown as { code?: string }).code !== 'ECONNREFUSED') broken.push(thrown)
      })
      if (answer !== undefined) answers.push(answer)
    }
  }
  const clients = Array.from({ length: 16 }, client)
  while (answers.length < 100) await new Promise((resolve) => setImmediate(resolve))
  closing = true
  await Promise.all([broker.close(), ...clients])
  agent.destroy()
  assert.deepEqual(broken, [])
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  const { entries } = await exportedLog(site.config)
  const issued = new Set(
    entries.filter((entry) => entry.type === 'credential.issued').map((entry) => entry.lease),
  )
  for (const { body } of answers) assert.ok(issued.has(String(body['lease_id'])))
  assert.equal(issued.size, answers.length)
  assert.equal(entries.filter((entry) => entry.type === 'broker.stopped').length, 1)
})

test('while it drains it says so to the load balancer, and still finishes what runs', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  assert.equal((await ask(`${broker.url}/readyz`, { agent })).status, 200)
  // The keys of the issuer are late, so this exchange is under way when the broker is told to close.
  github.faults.jwks = { kind: 'slow', ms: 1_000 }
  const token = github.idToken({ ...pushJob('production'), aud: site.url })
  const under = exchange(broker.url, token)
  while (github.seen.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const probe = ask(`${broker.url}/readyz`, { agent })
  const closed = broker.close()
  const { status, body } = await probe
  assert.deepEqual([status, body['status']], [503, 'draining'])
  assert.equal((await under).status, 200)
  await closed
  agent.destroy()
  await assert.rejects(ask(`${broker.url}/readyz`), { code: 'ECONNREFUSED' })
})

test('every fault of a configuration is said at once, with its line, and the exit code is 2', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  assert.deepEqual((await mayfly('check', '--config', site.config)).code, 0)
  rmSync(join(site.folder, 'audit-reader'))
  writeFileSync(join(site.folder, 'webhook-secret'), 'short')
  appendFileSync(site.config, 'limitss: { exchanges_per_job: 3 }\nlimits: { exchanges_per_job: 0 }\n')
  const shape = await mayfly('check', '--config', site.config)
  assert.equal(shape.code, 2)
  assert.match(shape.err, /limitss/)
  assert.match(shape.err, /exchanges_per_job/)
  const text = readFileSync(site.config, 'utf8')
  writeFileSync(
    site.config,
    text.slice(0, text.indexOf('limitss')).replace(`url: ${site.url}`, 'url: http://mayfly.example.com/'),
  )
  const { code, err, out } = await mayfly('check', '--config', site.config)
  assert.equal(code, 2)
  assert.equal(out, '')
  for (const fault of [
    /mayfly\.yaml:1:\d+.*https/,
    /slash/,
    /audit-reader|audit\.reader/,
    /shorter than 16/,
  ]) {
    assert.match(err, fault)
  }
  assert.doesNotMatch(err, /short\b(?!er)/, 'a secret is never shown')
  assert.equal(existsSync(join(site.folder, 'mayfly.db')), false, 'check opens nothing')
})

test('a wrong policy never starts: neither serve nor check, and the last good one is not used instead', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  await (await runBroker(t, site.config)).close()
  const file = join(site.folder, 'policies/startup.policy.yaml')
  const good = readFileSync(file, 'utf8')
  const wrongs = [
    good.replace('environment: production, runner', 'environmnt: production, runner'),
    good.replace('get: orders-api\n', 'get: order-api\n'),
    // Its own test no longer holds: staging would reach production.
    good.replace('environment: production, runner', 'environment: [production, staging], runner'),
    'version: 1\n',
  ]
  for (const [i, wrong] of wrongs.entries()) {
    assert.notEqual(wrong, good)
    writeFileSync(file, wrong)
    await assert.rejects(runBroker(t, site.config), { name: 'PolicyFault' }, `policy ${i}`)
  }
  const checked = await mayfly('check', '--config', site.config)
  assert.equal(checked.code, 2)
  writeFileSync(file, wrongs[0] ?? '')
  const served = await mayfly('serve', '--config', site.config)
  assert.equal(served.code, 2)
  assert.match(served.err, /startup\.policy\.yaml:\d+:\d+/)
  assert.equal(served.out, '')
})

test('an address that is taken is said in one line with what to change, and the exit code is 1', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const other = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const { host } = new URL(broker.url)
  const text = readFileSync(other.config, 'utf8')
  writeFileSync(other.config, text.replace(/^listen: .*$/m, `listen: ${host}`))
  assert.notEqual(readFileSync(other.config, 'utf8'), text)
  const { code, err, out } = await mayfly('serve', '--config', other.config, '--log-level', 'error')
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.equal(
    err,
    `mayfly serve: cannot listen on ${host} (EADDRINUSE): another process listens there; ` +
      'stop it, or write another address as `listen`\n',
  )
})

test('the log says where the broker listens and by which policy, that keys change, and how it stops', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  await Promise.all([broker.close(), broker.close()])
  const said = broker.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const of = (message: string) => said.filter((line) => line['message'] === message)
  const [started, ...more] = of('the broker has started')
  assert.deepEqual(more, [])
  assert.equal(started?.['level'], 'info')
  assert.deepEqual([started?.['listen'], started?.['url']], [broker.url, site.url])
  assert.deepEqual(started?.['routes'], broker.routes)
  const { entries } = await exportedLog(site.config)
  assert.equal(started?.['policy'], entries.find((entry) => entry.type === 'policy.loaded')?.digest)
  assert.equal(of('the first key was made').length, 1)
  assert.deepEqual(
    said.slice(-2).map((line) => [line['level'], line['message']]),
    [
      ['info', 'the broker is stopping'],
      ['info', 'the broker has stopped'],
    ],
  )
})
