/** What the log remembers, asked again: the reviewer of a change, and the owner who wants less, from a real broker's log. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Replay } from '@mayfly/policy/replay'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, token: { audience: "https://orders.acme.example", scopes: { read: read, write: write } } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://reports.acme.example" } }
grants:
  - name: orders
    who: { repo: acme/shop, environment: { like: "e-*" } }
    get: orders-api
    for: 5m
  - name: reports          # for the night
    who: { repo: acme/shop, branch: main }
    get: orders-api-staging
    for: 5m
`

/** A log of three grants of `orders-api` to e-eu, and one refusal of the other target for another branch. */
async function past(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const broker = await runBroker(t, site.config)
  const get = async (claims: object, more: Readonly<Record<string, string>>) =>
    exchange(broker.url, github.idToken({ ...pushJob('e-eu'), aud: site.url, ...claims }), more)
  for (let each = 0; each < 3; each++) {
    assert.equal((await get({}, { audience: 'orders-api', scope: 'read' })).status, 200)
  }
  const elsewhere = { ref: 'refs/heads/next', job_workflow_ref: undefined }
  assert.equal((await get(elsewhere, { audience: 'orders-api-staging' })).status, 400)
  const log = join(site.folder, 'log.jsonl')
  writeFileSync(log, (await exportedLog(site.config)).text)
  const changed = join(site.folder, 'changed')
  cpSync(join(site.folder, 'policies'), changed, { recursive: true })
  const file = join(changed, 'site.policy.yaml')
  const change = (from: string, to: string) => {
    const before = readFileSync(file, 'utf8')
    assert.ok(before.includes(from))
    writeFileSync(file, before.replace(from, to))
  }
  return { log, changed, change, file, site }
}

test('a changed policy is tried on what happened, from an export and from the store', async (t) => {
  const { log, changed, change, site } = await past(t)
  const same = await mayfly(['policy', 'replay', '--log', log, changed])
  assert.deepEqual([same.exitCode, same.stdout], [0, '4 decisions, 4 the same, 0 otherwise\n'])
  change('like: "e-*"', 'like: "p-*"')
  change('branch: main', 'branch: [main, next]')
  for (const source of [
    ['--log', log],
    ['--config', site.config],
  ]) {
    const { exitCode, stdout } = await mayfly(['policy', 'replay', ...source, '--json', changed])
    assert.equal(exitCode, 1)
    const { differences } = JSON.parse(stdout) as Replay
    assert.deepEqual(
      differences.map(({ change: what, target, count }) => [what, target, count]),
      [
        ['granted', 'orders-api-staging', 1],
        ['refused', 'orders-api', 3],
      ],
    )
  }
  const { stdout } = await mayfly(['policy', 'replay', '--log', log, changed])
  assert.match(
    stdout,
    /^1 request for orders-api-staging would be let in\n {2}then: no_grant\n {2}now: {2}reports \(300 s\)\n {2}entries: au_/m,
  )
})

test('a log that was changed says nothing about the past', async (t) => {
  const { log, changed } = await past(t)
  writeFileSync(log, readFileSync(log, 'utf8').replace('e-eu', 'e-us'))
  const { exitCode, stdout, stderr } = await mayfly(['policy', 'replay', '--log', log, changed])
  assert.deepEqual([exitCode, stdout], [2, ''])
  assert.match(stderr, /is not whole: line \d+/)
})

test('the smaller policy is proposed, written when asked, and then there is nothing left to take in', async (t) => {
  const { log, changed, file } = await past(t)
  const before = readFileSync(file, 'utf8')
  const asked = ['policy', 'tighten', '--log', log, '--least', '3', changed]
  const proposed = await mayfly(asked)
  assert.equal(proposed.exitCode, 1)
  assert.match(proposed.stdout, /^3 proposals from 3 recorded uses\n/)
  assert.match(proposed.stdout, /^changed\/site.policy.yaml:11:11: grant `reports` was never used/m)
  assert.equal(readFileSync(file, 'utf8'), before)
  assert.equal((await mayfly([...asked, '--write'])).exitCode, 0)
  const after = readFileSync(file, 'utf8')
  assert.match(after, /environment: e-eu/)
  assert.match(after, /get: \{ target: orders-api, scopes: \[read\] \}/)
  assert.doesNotMatch(after, /name: reports/)
  assert.deepEqual((await mayfly(asked)).exitCode, 0)
  assert.equal((await mayfly(['policy', 'replay', '--log', log, changed])).exitCode, 0)
})
