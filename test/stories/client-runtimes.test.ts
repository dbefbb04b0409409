/** The client library gets and gives back credentials at a running broker, whatever runs the program that uses it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { type Runtime, runtime } from '../fakes/runtimes.ts'
import { makeSite } from '../fakes/site.ts'

const caller = join(import.meta.dirname, '../fakes/client-caller.ts')

/** How each runs a program that may use the network and the environment, and nothing else where it can be told so. */
const words: Readonly<Record<Runtime, readonly string[]>> = {
  node: ['--disable-warning=ExperimentalWarning', caller],
  deno: ['run', '--no-remote', '--no-config', '--no-lock', '--allow-net', '--allow-env', caller],
  bun: ['run', caller],
}

async function runOn(t: TestContext, name: Runtime, env: Readonly<Record<string, string>>) {
  const home = mkdtempSync(join(tmpdir(), 'mayfly-runtime-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const own = { HOME: home, DENO_DIR: home, DENO_NO_UPDATE_CHECK: '1', BUN_INSTALL_CACHE_DIR: home }
  const { stdout, stderr } = await promisify(execFile)(runtime(name), words[name], {
    env: { PATH: process.env['PATH'], ...own, ...env },
    cwd: home,
    timeout: 60_000,
  })
  assert.equal(stderr, '')
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>
}

for (const name of ['node', 'deno', 'bun'] as const) {
  test(`the client works on ${name === 'node' ? 'Node 24' : name}`, async (t) => {
    const github = await githubFor(t)
    const site = await makeSite(t, { issuers: { github: github.issuer } })
    const broker = await runBroker(t, site.config)
    const job = github.job(pushJob('production'))
    const said = await runOn(t, name, {
      MAYFLY_URL: broker.url,
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: job.requestUrl,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.requestToken,
    })
    assert.deepEqual([said['platform'], said['refused']], ['GitHub Actions', 'invalid_target'])
    assert.ok(Number(said['expiresIn']) > 0)
    const { entries } = await exportedLog(site.config)
    const ended = entries.find(({ type, lease }) => type === 'lease.ended' && lease === said['lease'])
    assert.deepEqual([ended?.state, ended?.by], ['revoked', 'caller'])
  })
}
