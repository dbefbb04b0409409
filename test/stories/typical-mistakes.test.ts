/**
 * What people get wrong at first. Each mistake is made against a real broker, with the action's real bundle or the real
 * command; the message that follows is all that its author has; what it says to do is done, and then it works.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openRunner } from '../../packages/cli/src/demo/runner.ts'
import { type JobClaims, pullRequestJob, pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { githubFor } from '../fakes/github.ts'
import { ordersApi } from '../fakes/orders-api.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

/** A workflow's job as far as it matters here. */
interface Workflow {
  readonly job: JobClaims
  readonly with: Readonly<Record<string, string>>
  /** `permissions: { id-token: write }`. */
  readonly mayAsk: boolean
}

interface Mistake {
  readonly name: string
  /** The workflow as it was written. */
  readonly wrong: Workflow
  /** The sentence that its author reads. */
  readonly reads: string
  /** What the author then changes, and nothing else. */
  readonly mended: Partial<Workflow>
}

const right: Workflow = { job: pushJob('production'), with: { target: 'orders-api' }, mayAsk: true }

function mistakes(elsewhere: string): readonly Mistake[] {
  return [
    {
      name: 'the job may not ask for an ID token',
      wrong: { ...right, mayAsk: false },
      reads: 'Add this to the job (or to the workflow):\n\npermissions:\n  id-token: write',
      mended: { mayAsk: true },
    },
    {
      name: 'the URL is plain http',
      wrong: { ...right, with: { ...right.with, url: 'http://mayfly.acme.example' } },
      reads: 'The broker URL must begin with https://',
      mended: { with: right.with },
    },
    {
      name: 'the URL is that of something else',
      wrong: { ...right, with: { ...right.with, url: elsewhere } },
      reads: 'The answer is not one that a Mayfly broker gives; is the URL right?',
      mended: { with: right.with },
    },
    {
      name: 'no target is named',
      wrong: { ...right, with: {} },
      reads: 'Input `target` is missing: the name of a target in your policy.',
      mended: { with: right.with },
    },
    {
      name: 'an input has a word that it does not take',
      wrong: { ...right, with: { ...right.with, export: 'environment' } },
      reads: 'Input `export` takes env, file and output.',
      mended: { with: { ...right.with, export: 'env' } },
    },
    {
      name: 'the target is misspelled',
      wrong: { ...right, with: { target: 'order-api' } },
      reads: 'no grant gives `order-api` to acme/shop; did you mean orders-api?',
      mended: { with: { target: 'orders-api' } },
    },
    {
      name: 'the job names no environment',
      wrong: { ...right, job: pushJob() },
      reads: 'environment is nothing, needs production. add `environment: production` to the job',
      mended: { job: pushJob('production') },
    },
    {
      name: 'the job names another environment',
      wrong: { ...right, job: pushJob('staging') },
      reads: 'environment is staging, needs production. write `environment: production` in the job',
      mended: { job: pushJob('production') },
    },
    {
      name: 'the environment is misspelled',
      wrong: { ...right, job: pushJob('prodution') },
      reads: 'environment is prodution, needs production. did you mean `production`?',
      mended: { job: pushJob('production') },
    },
    {
      name: 'the job runs on a branch',
      wrong: { ...right, job: pushJob('production', { ref: 'refs/heads/feature/x' }) },
      reads: 'ref is refs/heads/feature/x, needs refs/heads/main. run it on `branch main`',
      mended: { job: pushJob('production') },
    },
    {
      name: 'the workflow is started by a pull request',
      wrong: { ...right, job: pullRequestJob('production') },
      reads: 'start the workflow by `push` or',
      mended: { job: pushJob('production') },
    },
    {
      name: 'the job runs on its own runner',
      wrong: { ...right, job: pushJob('production', { runner_environment: 'self-hosted' }) },
      reads: 'use a GitHub-hosted runner: `runs-on: ubuntu-latest`',
      mended: { job: pushJob('production') },
    },
    {
      name: 'more is asked for than is granted',
      wrong: { ...right, with: { ...right.with, scope: 'orders:admin' } },
      reads: 'granted: orders:read, orders:write',
      mended: { with: { ...right.with, scope: 'orders:read' } },
    },
  ]
}

async function start(t: TestContext) {
  const github = await githubFor(t)
  const elsewhere = await ordersApi(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  await runBroker(t, site.config)
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-mistakes-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  return { github, elsewhere: elsewhere.url, url: site.url, folder }
}

async function run(workflow: Workflow, github: Github, url: string, folder: string) {
  const dist = join(import.meta.dirname, '../../packages/action/dist')
  const env = workflow.mayAsk ? github.job(workflow.job).env : {}
  const action = { main: join(dist, 'main.js'), post: join(dist, 'post.js') }
  const runner = openRunner({ action, env, folder })
  try {
    return await runner.main({ url, ...workflow.with })
  } finally {
    runner.close()
  }
}

test('a workflow that is refused is mended by what its author reads, and by nothing else', async (t) => {
  const { github, elsewhere, url, folder } = await start(t)
  const all = mistakes(elsewhere)
  assert.ok(all.length >= 12)
  for (const { name, wrong, reads, mended } of all) {
    await t.test(name, async () => {
      const refused = await run(wrong, github, url, folder)
      assert.equal(refused.exitCode, 1)
      assert.ok(refused.log.join('\n').includes(reads), refused.log.join('\n'))
      const granted = await run({ ...wrong, ...mended }, github, url, folder)
      assert.equal(granted.exitCode, 0, granted.log.join('\n'))
    })
  }
})

test('a token that somebody brings along and that is not accepted is looked at where it is', async (t) => {
  const { github, url } = await start(t)
  const ask = (token: string) =>
    mayfly(['exchange', '--url', url, '--target', 'orders-api', '--token-env', 'TOKEN'], {
      env: { TOKEN: token },
    })
  const job = (more: JobClaims = {}) => github.idToken({ ...pushJob('production'), aud: url, ...more })
  const now = Math.floor(Date.now() / 1000)
  const good = job()
  assert.equal((await ask(good)).exitCode, 0)
  const cases: readonly [token: string, reads: RegExp][] = [
    [good, /Each can be used once: ask the platform for a new one/],
    [job({ aud: 'https://github.com/acme' }), /is for https:\/\/github\.com\/acme\. Ask .* exactly http:/],
    [
      job({ iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 }),
      /ended 36\d\d s ago by the broker's clock\. Ask for a new one/,
    ],
    [
      job({ iat: now + 7_200, nbf: now + 7_200, exp: now + 8_000 }),
      /from now by the broker's clock, which must be wrong/,
    ],
    ['not a token', /no identity token/],
  ]
  for (const [token, reads] of cases) {
    const { exitCode, stdout, stderr } = await ask(token)
    assert.deepEqual([exitCode, stdout], [1, ''])
    assert.match(stderr, reads)
    assert.ok(!stderr.includes(token))
  }
})
