/** Actions written with GitHub's own toolkit get their tokens from the stand-in as from GitHub, and credentials from us. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { githubFor } from '../fakes/github.ts'
import { introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { runtime } from '../fakes/runtimes.ts'
import { makeSite } from '../fakes/site.ts'

const action = join(import.meta.dirname, '../fakes/toolkit-action.ts')

test('@actions/core asks for a token of the job, and what the broker gives for it is masked before it is an output', async (t) => {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('production'))
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-toolkit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = async (target: string) => {
    const output = join(folder, target)
    writeFileSync(output, '')
    const child = spawn(runtime('node'), [action], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        INPUT_URL: broker.url,
        INPUT_TARGET: target,
        GITHUB_OUTPUT: output,
        ACTIONS_ID_TOKEN_REQUEST_URL: job.requestUrl,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.requestToken,
      },
    })
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    return { code, stdout, output: readFileSync(output, 'utf8') }
  }
  const granted = await run('orders-api')
  assert.equal(granted.code, 0, granted.stdout)
  const token = /^token<<(\S+)\n(\S+)\n\1\n$/.exec(granted.output)?.[2] ?? ''
  assert.equal((await introspect(broker.url, token)).body['active'], true)
  assert.ok(granted.stdout.includes(`::add-mask::${token}\n`))
  const refused = await run('orders-api-staging')
  assert.equal(refused.code, 1)
  assert.match(refused.stdout, /^::error::invalid_target: /m)
  assert.equal(refused.output, '')
})
