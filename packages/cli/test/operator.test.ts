/** The operator's commands as processes of their own, beside a running broker. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseVerifierKey, printVerifierKey, verifierKey } from '@mayfly/broker/audit/note'
import { realParts } from '../src/demo/real-parts.ts'
import type { Site } from '../src/demo/site.ts'
import { openStage, type Stage } from '../src/demo/stage.ts'
import { startBroker } from '../src/demo/steps/1-broker-starts.ts'
import { type DeployJob, deployJobGetsToken } from '../src/demo/steps/2-job-gets-a-token.ts'
import { callProxy } from '../src/demo/steps/3-proxy-asks-every-time.ts'
import { processTerminal } from '../src/terminal.ts'
import { mayfly } from './command-line.ts'

let stage: Stage
let site: Site
const folder = mkdtempSync(join(tmpdir(), 'mayfly-operator-test-'))

before(async () => {
  stage = openStage(await realParts(), { ...processTerminal, write: async () => {} }, folder)
  site = await startBroker(stage)
})

after(async () => {
  await stage.close()
  rmSync(folder, { recursive: true })
})

function operator(...typed: string[]) {
  return mayfly([...typed, '--config', site.config])
}

async function deploy(): Promise<DeployJob & { readonly leaseId: string }> {
  const job = await deployJobGetsToken(stage, site)
  const { leases } = JSON.parse((await operator('leases', 'list', '--json')).stdout)
  return { ...job, leaseId: leases.at(-1).id }
}

test('check says that the server would start, and opens nothing', async () => {
  const { exitCode, stdout, stderr } = await operator('check')
  assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: `${site.config}: ok\n`, stderr: '' })
  assert.deepEqual(JSON.parse((await operator('check', '--json')).stdout), {
    ok: true,
    url: site.url,
    warnings: [],
  })
})

test('a lease is listed, ended by its id, and its token is refused at the next call', async () => {
  const { leaseId, token } = await deploy()
  const listed = await operator('leases', 'list', '--target', 'orders-api')
  assert.equal(listed.exitCode, 0)
  assert.match(
    listed.stdout,
    new RegExp(`^${leaseId}  active +orders-api +github/[0-9]+ +\\S+production  20`, 'm'),
  )
  assert.equal((await callProxy(stage, site.proxy.production, token)).status, 200)

  const { exitCode, stdout } = await operator('leases', 'revoke', leaseId)
  assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: `ended ${leaseId}\n` })
  assert.equal((await callProxy(stage, site.proxy.production, token)).status, 401)
  const again = await operator('leases', 'revoke', leaseId, 'ls_unknown', '--json')
  assert.equal(again.exitCode, 1)
  assert.deepEqual(JSON.parse(again.stdout), { ended: [], untouched: [leaseId, 'ls_unknown'] })
  const ended = await operator('leases', 'list', '--state', 'revoked')
  assert.match(ended.stdout, new RegExp(`^${leaseId}  revoked .+ by operator$`, 'm'))
})

test('all leases of a target end together, and only those', async () => {
  const { leaseId } = await deploy()
  assert.match(
    (await operator('leases', 'revoke', '--target', 'orders-api-staging')).stdout,
    /^nothing to end/,
  )
  const { stdout } = await operator('leases', 'revoke', '--target', 'orders-api')
  assert.equal(stdout, `ended ${leaseId}\n`)
  assert.equal((await operator('leases', 'list')).stdout, 'no leases\n')
})

test('all leases of a job end together, and then all there are', async () => {
  const { leaseId } = await deploy()
  const other = await deploy()
  const { leases } = JSON.parse((await operator('leases', 'list', '--json')).stdout)
  const { job } = leases.find(({ id }: { id: string }) => id === leaseId)
  const { stdout } = await operator('leases', 'revoke', '--job', `${job.issuer}/${job.id}`)
  assert.equal(stdout, `ended ${leaseId}\n`)
  assert.equal((await operator('leases', 'revoke', '--all')).stdout, `ended ${other.leaseId}\n`)
  for (const wrong of [
    ['--job', '5551'],
    ['--all', '--target', 'orders-api'],
    ['--all', 'ls_1'],
  ])
    assert.equal((await operator('leases', 'revoke', ...wrong)).exitCode, 2)
})

test('ending leases without saying which is wrong usage, and so is an unknown state', async () => {
  assert.equal((await operator('leases', 'revoke')).exitCode, 2)
  assert.equal((await operator('leases', 'revoke', 'ls_1', '--target', 'orders-api')).exitCode, 2)
  assert.equal((await operator('leases', 'list', '--state', 'active,gone')).exitCode, 2)
  assert.equal((await operator('leases', 'list', '--limit', '0')).exitCode, 2)
})

test('a list that is cut says so', async () => {
  await deploy()
  await deploy()
  const { stdout, stderr } = await operator('leases', 'list', '--limit', '1')
  assert.equal(stdout.trimEnd().split('\n').length, 2)
  assert.match(stderr, /more than 1/)
})

test('a rotation makes the next key, which signs once everybody can know it', async () => {
  const { keys } = JSON.parse((await operator('keys', 'list', '--json')).stdout)
  assert.equal(keys.length, 1)
  const { exitCode, stdout } = await operator('keys', 'rotate', '--json')
  assert.equal(exitCode, 0)
  const { kid, signsFrom } = JSON.parse(stdout)
  assert.notEqual(kid, keys[0].kid)
  assert.ok(signsFrom > keys[0].signsFrom)
  const listed = await operator('keys', 'list')
  assert.match(listed.stdout, new RegExp(`^${kid}  ES256 `, 'm'))
  assert.doesNotMatch(listed.stdout + listed.stderr, /PRIVATE|sealed/)
})

test('the log is exported and verified; a changed byte, a cut and a foreign key are found', async () => {
  await deploy()
  const exported = await operator('audit', 'export')
  assert.equal(exported.exitCode, 0)
  assert.ok(exported.stderr.includes(site.logKey))
  const file = join(folder, 'export.jsonl')
  writeFileSync(file, exported.stdout)
  const whole = await mayfly(['audit', 'verify', file, '--key', site.logKey])
  assert.deepEqual({ exitCode: whole.exitCode, stderr: whole.stderr }, { exitCode: 0, stderr: '' })
  assert.match(whole.stdout, /^ok: \d+ entries of /)
  assert.match((await mayfly(['audit', 'verify', file])).stderr, /nothing says who signed it/)

  const other = join(folder, 'changed.jsonl')
  writeFileSync(other, exported.stdout.replace('"ref":"refs/heads/main"', '"ref":"refs/heads/Main"'))
  const changed = await mayfly(['audit', 'verify', other, '--key', site.logKey])
  assert.equal(changed.exitCode, 1)
  const line = exported.stdout.split('\n').findIndex((text) => text.includes('"ref":"refs/heads/main"')) + 1
  assert.match(changed.stdout, new RegExp(`line ${line}, entry ${line - 2}: `))

  writeFileSync(other, exported.stdout.split('\n').slice(0, -2).join('\n'))
  assert.equal((await mayfly(['audit', 'verify', other, '--key', site.logKey])).exitCode, 1)
  const foreign = printVerifierKey(verifierKey(parseVerifierKey(site.logKey).name, randomBytes(32)))
  const mistyped = site.logKey.replace(/.$/, (letter) => (letter === 'A' ? 'B' : 'A'))
  assert.equal((await mayfly(['audit', 'verify', file, '--key', mistyped])).exitCode, 2)
  assert.equal((await mayfly(['audit', 'verify', file, '--key', foreign, '--json'])).exitCode, 1)
  assert.equal((await mayfly(['audit', 'verify', join(folder, 'nowhere.jsonl')])).exitCode, 2)
})

test('a file must extend the signed head that somebody kept', async () => {
  const kept = join(folder, 'checkpoint')
  const older = await operator('audit', 'export')
  writeFileSync(kept, JSON.parse(older.stdout.split('\n')[0] ?? '').checkpoint)
  await deploy()
  const file = join(folder, 'newer.jsonl')
  writeFileSync(file, (await operator('audit', 'export')).stdout)
  const verify = (path: string) =>
    mayfly(['audit', 'verify', path, '--key', site.logKey, '--checkpoint', kept])
  const extended = await verify(file)
  assert.equal(extended.exitCode, 0, extended.stdout)
  const short = join(folder, 'short.jsonl')
  writeFileSync(short, readFileSync(file, 'utf8').split('\n').slice(0, 3).join('\n'))
  assert.equal((await verify(short)).exitCode, 1)
})

test('a job is told from its first request to its end, from the store and from a file', async () => {
  const { leaseId, token } = await deploy()
  await callProxy(stage, site.proxy.production, token)
  await operator('leases', 'revoke', leaseId)
  await callProxy(stage, site.proxy.production, token)
  const entry = JSON.parse((await operator('audit', 'show', '--lease', leaseId, '--json')).stdout)
  assert.deepEqual(
    entry.map(({ type }: { type: string }) => type),
    ['credential.issued', 'route.admitted', 'lease.ended', 'route.refused'],
  )
  const { issuer, id } = entry[0].job
  const file = join(folder, 'story.jsonl')
  writeFileSync(file, (await operator('audit', 'export')).stdout)
  const told = await mayfly(['audit', 'show', '--log', file, '--job', `${issuer}/${id}`])
  assert.equal(told.exitCode, 0, told.stderr)
  const lines = told.stdout.trim().split('\n').slice(1)
  assert.equal(lines.length, 4)
  assert.match(lines[0] ?? '', new RegExp(`${leaseId}  got orders-api \\(token-exchange\\), .*au_`))
  assert.match(lines[1] ?? '', /let in at orders: GET \//)
  assert.match(lines[2] ?? '', /orders-api ended: revoked, by operator/)
  assert.match(lines[3] ?? '', /refused at orders: GET .*: the lease is revoked/)
  assert.equal((await mayfly(['audit', 'show', '--log', file, '--job', 'github/no-such'])).exitCode, 1)
  assert.equal((await mayfly(['audit', 'show', '--log', file])).exitCode, 2)
  writeFileSync(file, readFileSync(file, 'utf8').replace('revoked', 'Revoked'))
  assert.equal((await mayfly(['audit', 'show', '--log', file, '--lease', leaseId])).exitCode, 2)
})

test('a job that is switched off is refused at its next request, and gets nothing any more', async () => {
  const { token, leaseId } = await deploy()
  const { leases } = JSON.parse((await operator('leases', 'list', '--json')).stdout)
  const { job } = leases.find(({ id }: { id: string }) => id === leaseId)
  assert.equal((await callProxy(stage, site.proxy.production, token)).status, 200)
  const off = await operator('switch', 'off', '--job', `${job.issuer}/${job.id}`)
  assert.equal(off.stdout, `job ${job.issuer}/${job.id} is ended; 1 lease with it\n`)
  assert.equal((await callProxy(stage, site.proxy.production, token)).status, 401)
  assert.equal((await operator('switch', 'off', '--job', 'nonsense')).exitCode, 2)
  assert.equal((await operator('switch', 'off', '--job', 'github/1', '--repo', 'acme/shop')).exitCode, 2)
  const story = await operator('audit', 'show', '--job', `${job.issuer}/${job.id}`)
  assert.match(story.stdout, /the job ended \(operator\)/)
})
