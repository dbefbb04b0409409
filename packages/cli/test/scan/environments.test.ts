/** `mayfly scan --settings`: environments as GitHub has them. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type GithubApiFake, githubApiFor, sendJson } from '../../../../test/fakes/github-api.ts'
import { mayfly } from '../command-line.ts'

const env = { GITHUB_TOKEN: 'not-a-real-token' }

function checkout(t: TestContext, ...names: readonly string[]): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-settings-test-'))
  t.after(() => rmSync(path, { recursive: true }))
  mkdirSync(join(path, '.github/workflows'), { recursive: true })
  for (const name of names)
    cpSync(join(import.meta.dirname, 'fixtures', name), join(path, '.github/workflows', name))
  return path
}

/** GitHub with one environment that says this. */
async function saying(t: TestContext, environment: object | undefined): Promise<GithubApiFake> {
  const fake = await githubApiFor(t)
  fake.fault = (path, response) => {
    if (!path.includes('/environments/')) return undefined
    if (environment === undefined) sendJson(response, 404, {})
    else sendJson(response, 200, { id: 1, name: 'production', ...environment })
    return 'answered'
  }
  return fake
}

async function found(t: TestContext, environment: object | undefined): Promise<readonly string[]> {
  const fake = await saying(t, environment)
  const path = checkout(t, 'clean-mayfly.yml')
  const words = ['scan', '--settings', '--repository', 'Acme/shop', '--api', fake.url, '--json', path]
  const { exitCode, stdout, stderr } = await mayfly(words, { env })
  const { findings }: { findings: { rule: string; line: number; message: string }[] } = JSON.parse(stdout)
  assert.equal(exitCode, findings.length === 0 ? 0 : 1, stderr)
  assert.ok(fake.requests.every(({ authorization }) => authorization === `Bearer ${env.GITHUB_TOKEN}`))
  return findings.map(({ rule, line, message }) => `${line} ${rule} ${message}`)
}

test('an environment that every branch may name, or that is not there yet, is found where the job names it', async (t) => {
  const open = '10 MS040 environment `production` of job `deploy` lets every branch in, without a reviewer'
  assert.deepEqual(await found(t, { protection_rules: [], deployment_branch_policy: null }), [open])
  assert.deepEqual(await found(t, { protection_rules: [{ type: 'wait_timer', wait_timer: 30 }] }), [open])
  assert.match((await found(t, undefined))[0] ?? '', /is made at its first use, open to all$/)
})

test('reviewers or a rule about branches protect it', async (t) => {
  const reviewers = { protection_rules: [{ type: 'required_reviewers' }], deployment_branch_policy: null }
  const branches = { deployment_branch_policy: { protected_branches: true, custom_branch_policies: false } }
  for (const environment of [reviewers, branches]) assert.deepEqual(await found(t, environment), [])
})

test('without a token, without a repository, and for one that GitHub does not show, it says so', async (t) => {
  const fake = await saying(t, {})
  const path = checkout(t, 'clean-mayfly.yml')
  const at = (...words: readonly string[]) => ['scan', '--settings', '--api', fake.url, ...words, path]
  const without = await mayfly(at('--repository', 'Acme/shop'))
  assert.equal(without.exitCode, 2)
  assert.match(without.stderr, /--settings needs GITHUB_TOKEN or GH_TOKEN/)
  assert.match((await mayfly(at(), { env })).stderr, /which repository is/)
  const hidden = await mayfly(at('--repository', 'Acme/hidden'), { env })
  assert.equal(hidden.exitCode, 2)
  assert.match(hidden.stderr, /GitHub does not show `Acme\/hidden`/)
  mkdirSync(join(path, '.git'))
  writeFileSync(join(path, '.git/config'), '[remote "origin"]\n\turl = https://github.com/Acme/shop.git\n')
  assert.match((await mayfly(at(), { env })).stdout, /MS040/)
})

test('a scan without --settings asks nobody', async (t) => {
  const fake = await saying(t, {})
  const { exitCode } = await mayfly(['scan', '--api', fake.url, checkout(t, 'clean-mayfly.yml')], { env })
  assert.equal(exitCode, 0)
  assert.deepEqual(fake.requests, [])
})
