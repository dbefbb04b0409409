/** A policy that changes under a running broker: what comes into force, what does not, and who hears of it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

const policyFile = (site: Site) => join(site.folder, 'policies/startup.policy.yaml')
const edit = (site: Site, change: (text: string) => string) => {
  const before = readFileSync(policyFile(site), 'utf8')
  const after = change(before)
  assert.notEqual(after, before)
  writeFileSync(policyFile(site), after)
  return () => writeFileSync(policyFile(site), before)
}

type Event = Readonly<Record<string, unknown>>
const entriesOf = async (site: Site, type: string) =>
  (await exportedLog(site.config)).entries.filter((entry) => entry.type === type) as unknown as Event[]

test('a changed policy decides from then on, and the log says what it changed before anything names it', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const token = () => github.idToken({ ...pushJob('production'), aud: site.url })
  assert.equal((await exchange(broker.url, token())).status, 200)
  edit(site, (text) =>
    text
      .replace(/environment: production, runner/, 'environment: live, runner')
      .replace(/^tests:[\s\S]*$/m, ''),
  )
  await broker.reloadPolicy()
  const refused = await exchange(broker.url, token())
  assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_target'])
  const [loaded] = await entriesOf(site, 'policy.loaded')
  const [changed, ...more] = await entriesOf(site, 'policy.changed')
  assert.deepEqual([changed?.['previous'], more], [loaded?.['digest'], []])
  const [entry] = await entriesOf(site, 'credential.refused')
  assert.deepEqual([entry?.['policy'], entry?.['decision']], [changed?.['digest'], 'no_grant'])
  const metrics = (await ask(`${broker.url}/metrics`)).text
  assert.ok(metrics.includes(`mayfly_policy_info{digest="${String(changed?.['digest'])}"} 1`))
  assert.equal(metrics.match(/^mayfly_policy_info\{/gm)?.length, 1)
})

test('a wrong policy is not run: the last good one serves, and probes, metrics and both logs say so', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const mend = edit(site, (text) =>
    text.replace('environment: production, runner', 'environmnt: production, runner'),
  )
  await broker.reloadPolicy()
  const token = github.idToken({ ...pushJob('production'), aud: site.url })
  assert.equal((await exchange(broker.url, token)).status, 200)
  const ready = await ask(`${broker.url}/readyz`)
  const [loaded] = await entriesOf(site, 'policy.loaded')
  assert.equal(ready.status, 200)
  assert.deepEqual(ready.body['policy'], { digest: loaded?.['digest'], stale: true })
  const line = broker.lines.find((each) => each.includes('was refused; the last good one stays')) ?? ''
  const { faults } = JSON.parse(line) as { faults: string[] }
  assert.match(faults[0] ?? '', /startup\.policy\.yaml:\d+:\d+ P002 /)
  const [refused, ...more] = await entriesOf(site, 'policy.refused')
  assert.deepEqual([refused?.['kept'], refused?.['faults'], more], [loaded?.['digest'], faults, []])
  const metrics = (await ask(`${broker.url}/metrics`)).text
  assert.match(metrics, /^mayfly_policy_stale 1$/m)
  assert.match(metrics, /^mayfly_policy_refused_total 1$/m)
  mend()
  await broker.reloadPolicy()
  const { body } = await ask(`${broker.url}/readyz`)
  assert.deepEqual(body['policy'], { digest: loaded?.['digest'], stale: false })
})

test('SIGHUP makes `mayfly serve` look at once, and does not end it', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
  const child = spawn(
    process.execPath,
    ['--conditions=mayfly-source', main, 'serve', '--config', site.config],
    {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  atEnd(t, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  await says(child.stdout, 'log key')
  edit(site, (text) => `${text}# changed\n`)
  const changed = says(child.stderr, 'policy changed')
  const asked = Date.now()
  child.kill('SIGHUP')
  await changed
  assert.ok(Date.now() - asked < 4_500, 'the timer would have found it later')
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
})

/** Resolves when the text was said; rejects when the stream ended without it. */
async function says(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  stream.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.includes(text)) resolve()
  })
  stream.on('end', () => reject(new Error(`never said ${text}:\n${said.slice(-2_000)}`)))
  await promise
}
