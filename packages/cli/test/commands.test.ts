import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { commands } from '../src/commands.ts'
import { claimsOfJob, pullRequestJob, pushJob } from '../src/demo/stand-in/claims.ts'
import { mayfly } from './command-line.ts'

const policies = join(import.meta.dirname, '../../../examples/startup/policies')
const ids = { runId: '71', checkRunId: '72' }

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-cli-test-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function file(t: TestContext, text: string): string {
  const path = join(folder(t), 'file')
  writeFileSync(path, text)
  return path
}

test('every command says what it is for, with an example and its exit codes', async () => {
  for (const { name, summary } of commands) {
    const { exitCode, stdout, stderr } = await mayfly([...name.split(' '), '--help'])
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' }, name)
    assert.ok(stdout.startsWith(`mayfly ${name}: ${summary}\n`), stdout)
    assert.match(stdout, new RegExp(`^Examples?:\n  (.*mayfly ${name})`, 'm'))
    assert.match(stdout, /^Exit codes: 0 .+; 1 .+; 2 .+\.$/m)
  }
})

test('an overview names every command', async () => {
  const { exitCode, stdout } = await mayfly(['--help'])
  assert.equal(exitCode, 0)
  for (const { name, summary } of commands) assert.match(stdout, new RegExp(`  ${name} +${summary}`))
  assert.equal((await mayfly([])).exitCode, 2)
})

test('the version is the package’s', async () => {
  assert.match((await mayfly(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('a word that is close to a command is answered with it', async () => {
  const { exitCode, stdout, stderr } = await mayfly(['leases', 'lst'])
  assert.deepEqual({ exitCode, stdout }, { exitCode: 2, stdout: '' })
  assert.match(stderr, /no command `leases lst`; did you mean `leases list`\?/)
  assert.match((await mayfly(['exchagne'])).stderr, /did you mean `exchange`\?/)
  assert.doesNotMatch((await mayfly(['frobnicate'])).stderr, /did you mean/)
})

test('an option that is close to one is answered with it', async () => {
  const { exitCode, stderr } = await mayfly(['serve', '--confg', 'x'])
  assert.equal(exitCode, 2)
  assert.match(stderr, /mayfly serve: there is no option `--confg`; did you mean `--config`\?/)
})

test('too few words and too many are wrong usage', async () => {
  assert.equal((await mayfly(['policy', 'explain', 'token.txt'])).exitCode, 2)
  const { exitCode, stderr } = await mayfly(['audit', 'verify', 'a', 'b'])
  assert.equal(exitCode, 2)
  assert.match(stderr, /`b` is one word too many/)
})

test('a configuration that cannot be used is exit code 2 for every command that needs one', async (t) => {
  const config = file(t, 'url: https://mayfly.example.com\nstor: {}\n')
  for (const name of ['serve', 'check', 'leases list', 'keys list', 'keys rotate', 'audit export']) {
    const { exitCode, stdout, stderr } = await mayfly([...name.split(' '), '--config', config])
    assert.deepEqual({ exitCode, stdout }, { exitCode: 2, stdout: '' }, name)
    assert.match(stderr, /:2:1: .*stor/, name)
  }
  assert.equal((await mayfly(['check'], { cwd: folder(t) })).exitCode, 2)
})

test('a policy is checked with what the server runs', async (t) => {
  const good = await mayfly(['policy', 'check', policies])
  assert.deepEqual({ exitCode: good.exitCode, stderr: good.stderr }, { exitCode: 0, stderr: '' })
  assert.match(good.stdout, /^ok: 2 targets, 2 grants/)
  const bad = join(folder(t), 'policies')
  mkdirSync(bad)
  writeFileSync(
    join(bad, 'a.policy.yaml'),
    'version: 1\nissuers: { github: { owners: [acme] } }\ntargts: {}\n',
  )
  const refused = await mayfly(['policy', 'check', bad])
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stderr, /a\.policy\.yaml:3:1: error/)
  const json = JSON.parse((await mayfly(['policy', 'check', bad, '--json'])).stdout)
  assert.equal(json.ok, false)
  assert.deepEqual(
    json.problems.map((problem: { line: number }) => problem.line),
    [2, 3],
  )
  assert.equal((await mayfly(['policy', 'check', join(bad, 'nowhere')])).exitCode, 2)
})

test('a policy explains why a token gets a target, and why not', async (t) => {
  const explain = (claims: object, ...more: string[]) =>
    mayfly(['policy', 'explain', '-', 'orders-api', '--policies', policies, ...more], {
      input: JSON.stringify(claims),
    })
  const yes = await explain(claimsOfJob(ids, pushJob('production')))
  assert.equal(yes.exitCode, 0)
  assert.match(
    yes.stdout,
    /^orders-api: yes, by shop-production, for 600 s; scopes: orders:read orders:write\n/,
  )
  const no = await explain(claimsOfJob(ids, pullRequestJob('production')))
  assert.equal(no.exitCode, 1)
  assert.match(no.stdout, /shop-production: event_name is pull_request, needs /)
  const json = JSON.parse((await explain(claimsOfJob(ids, pushJob('staging')), '--json')).stdout)
  assert.deepEqual({ allowed: json.allowed, target: json.target }, { allowed: false, target: 'orders-api' })

  const token = `${['e30', JSON.stringify(claimsOfJob(ids, pushJob('production')))].map((part) => Buffer.from(part).toString('base64url')).join('.')}.x`
  const fromFile = await mayfly(['policy', 'explain', file(t, token), 'orders-api', '--policies', policies])
  assert.equal(fromFile.exitCode, 0)
  assert.equal((await explain([], '--json')).exitCode, 2)
})

/** A broker that answers every request with this. */
async function broker(t: TestContext, status: number, answer: object) {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    bodies.push(body)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

test('an exchange takes its token from standard input, a file or a variable, and prints the credential', async (t) => {
  const { url, bodies } = await broker(t, 200, { access_token: 'c-1', lease_id: 'ls_1', expires_in: 60 })
  const ask = ['exchange', '--url', url, '--target', 'orders-api']
  const given = [
    await mayfly([...ask, '--token-file', '-'], { input: 'id-token\n' }),
    await mayfly([...ask, '--token-file', file(t, 'id-token\n')]),
    await mayfly([...ask, '--token-env', 'THE_TOKEN'], { env: { THE_TOKEN: 'id-token' } }),
  ]
  for (const { exitCode, stdout, stderr } of given) {
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: 'c-1\n', stderr: '' })
  }
  assert.equal(bodies.length, 3)
  for (const body of bodies) assert.equal(new URLSearchParams(body).get('subject_token'), 'id-token')
  const json = await mayfly([...ask, '--token-file', '-', '--json'], { input: 'id-token' })
  assert.equal(JSON.parse(json.stdout).leaseId, 'ls_1')
  assert.equal((await mayfly([...ask, 'id-token'])).exitCode, 2)
})

test('a refused exchange says which condition failed, and is exit code 1', async (t) => {
  const failing = [{ claim: 'event_name', got: 'pull_request', needed: 'push', hint: 'use push\u001b[2J' }]
  const { url } = await broker(t, 400, {
    error: 'invalid_target',
    error_description: 'No.',
    explanation: { summary: 'No grant fits.', grants: [{ grant: 'shop', failing }] },
  })
  const ask = ['exchange', '--url', url, '--target', 'orders-api', '--token-file', '-']
  const { exitCode, stdout, stderr } = await mayfly(ask, { input: 'secret-id-token' })
  assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' })
  assert.match(stderr, /shop: event_name is pull_request, needs push/)
  assert.doesNotMatch(stderr, /secret-id-token|\u001b/)
  const json = JSON.parse((await mayfly([...ask, '--json'], { input: 'secret-id-token' })).stdout)
  assert.equal(json.explanation.grants[0].failing[0].claim, 'event_name')
})

test('an exchange without a token says what the job lacks', async () => {
  const { exitCode, stderr } = await mayfly(['exchange', '--url', 'http://127.0.0.1:9', '--target', 'a'])
  assert.equal(exitCode, 1)
  assert.match(stderr, /id-token: write/)
  assert.equal((await mayfly(['exchange', '--target', 'a'])).exitCode, 2)
  assert.equal((await mayfly(['exchange', '--url', 'http://127.0.0.1:9'])).exitCode, 2)
})

test('output that nobody reads to its end is no crash', async () => {
  const main = join(import.meta.dirname, '../src/main.ts')
  for (const typed of [['--help'], ['demo', '--once']]) {
    const child = spawn(process.execPath, ['--conditions=mayfly-source', main, ...typed])
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    await new Promise((resolve) => child.once('close', resolve))
    assert.doesNotMatch(stderr, /Unhandled|at .+\.ts:/)
  }
})
