/** `mayfly policy lock` where it writes nothing: in CI, without GitHub, with faults; and what it says then. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { sendJson } from '../fakes/github-api.ts'
import { locked, policyText, refused, secret, stage } from './lock-stage.ts'

test('what GitHub does not show is named with its place, all of it at once', async (t) => {
  const made = await locked(t)
  made.policy(policyText.replace('acme/shop, acme/api', 'acme/shop, acme/shpo').replace('octo,', 'otco,'))
  const { stdout, stderr } = await refused(made, /a\.policy\.yaml:7:44: error P013: .*`acme\/shpo`/)
  assert.match(stderr, /private\? set GITHUB_TOKEN/)
  assert.match(stderr, /a\.policy\.yaml:9:37: error P013: GitHub shows no account `otco`/)
  assert.doesNotMatch(stdout, /gone/)
})

test('a private repository needs a token, of either variable', async (t) => {
  for (const name of ['GITHUB_TOKEN', 'GH_TOKEN']) {
    const made = await stage(t, { [name]: secret })
    for (const repository of made.fake.repositories) repository.token = secret
    assert.equal((await made.run()).exitCode, 0)
  }
  const other = await stage(t, { GITHUB_TOKEN: 'ghp_Other' })
  for (const repository of other.fake.repositories) repository.token = secret
  await refused(other, /the token may not read it/)
  const none = await stage(t, { GITHUB_TOKEN: '' })
  for (const repository of none.fake.repositories) repository.token = secret
  await refused(none, /private\? set GITHUB_TOKEN/)
})

test('a name that can be none is not asked about: it would be another path of the API', async (t) => {
  const made = await stage(t)
  for (const odd of [
    'acme',
    'acme/..',
    '../user',
    'acme/shop/x',
    'acme/%2e%2e',
    'acme/shop#x',
    'acme/sh op',
  ]) {
    made.policy(policyText.replace('actor: [octo, dependabot]', `repo: "${odd}"`))
    const { exitCode, stderr } = await made.run()
    assert.ok(exitCode === 1 && stderr.includes(`\`${odd}\` cannot be a repository`), stderr)
  }
  const others = [
    ['octo, dependabot', '"../user"', /`\.\.\/user` cannot be a user/],
    ['octo, dependabot', '"x[bot][bot]"', /`x\[bot\]\[bot\]` cannot be a user/],
    ['owners: [acme]', 'owners: [acme, acme/shop]', /`acme\/shop` cannot be an owner/],
    ['owners: [acme]', 'owners: [acme, "dependabot[bot]"]', /`dependabot\[bot\]` cannot be an owner/],
  ] as const
  for (const [said, odd, wanted] of others) {
    made.policy(policyText.replace(said, odd))
    await refused(made, wanted)
  }
  const paths = new Set(made.fake.requests.map(({ path }) => path))
  assert.deepEqual([...paths].sort(), [
    '/repos/acme/api',
    '/repos/acme/shop',
    '/users/acme',
    '/users/dependabot',
    '/users/dependabot%5Bbot%5D',
    '/users/octo',
    '/users/octo%5Bbot%5D',
  ])
})

test('--check writes nothing and fails while the lock is not up to date', async (t) => {
  const made = await stage(t)
  await refused(made, /not up to date; run `mayfly policy lock`/, '--check')
  assert.equal(made.lock(), undefined)
  assert.equal((await made.run()).exitCode, 0)
  assert.equal((await made.run('--check')).exitCode, 0)
  made.policy(policyText.replace('[octo, dependabot]', 'octo'))
  await refused(made, /not up to date/, '--check')
})

test('the answer as JSON', async (t) => {
  const made = await stage(t)
  const first = JSON.parse((await made.run('--json')).stdout)
  assert.deepEqual(
    { ok: first.ok, written: first.written, problems: first.problems },
    { ok: true, written: true, problems: [] },
  )
  assert.deepEqual(first.changes[0], { is: 'added', section: 'owners', name: 'acme', id: '9919' })
  Object.assign(made.fake.repositories[0] ?? {}, { id: 5 })
  const { exitCode, stdout } = await made.run('--json')
  const second = JSON.parse(stdout)
  assert.deepEqual(
    { exitCode, ok: second.ok, written: second.written },
    { exitCode: 1, ok: false, written: false },
  )
  assert.deepEqual(second.changes, [
    { is: 'replaced', section: 'repos', name: 'acme/shop', id: '5', oldId: '40211' },
  ])
  assert.deepEqual(
    second.problems.map(({ line }: { line: number }) => line),
    [7],
  )
})

test('trouble with GitHub stops the run, and nothing is written', async (t) => {
  const made = await stage(t, { GITHUB_TOKEN: secret })
  made.fake.fault = (path, response) => {
    if (!path.startsWith('/repos')) return undefined
    response.writeHead(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1900000000' }).end('{}')
    return 'answered'
  }
  await refused(made, /rate limit is reached \(403\); it ends at 2030-.*; nothing was written/)
  made.fake.fault = (path, response) => {
    if (!path.endsWith('api')) return undefined
    response.writeHead(200).end('{"id": "40212"')
    return 'answered'
  }
  await refused(made, /acme\/api: .*not JSON; nothing was written/)
})

test('few requests are open at once', async (t) => {
  const made = await stage(t)
  const names = Array.from({ length: 30 }, (_, n) => `acme/r${n}`)
  made.fake.fault = (path, response) => {
    const number = /^\/repos\/acme\/r(\d+)$/.exec(path)?.[1]
    if (number === undefined) return undefined
    // As far away as GitHub is near: all that may be asked at once is asked meanwhile.
    setTimeout(() => sendJson(response, 200, { id: 1000 + Number(number), full_name: `acme/r${number}` }), 20)
    return 'answered'
  }
  made.policy(policyText.replace('acme/api', names.join(', ')))
  assert.equal((await made.run()).exitCode, 0)
  const most = made.fake.mostAtOnce()
  assert.ok(most > 1 && most <= 4, String(most))
})

test('a policy with faults locks nothing: names behind a fault would be dropped', async (t) => {
  const made = await locked(t)
  made.policy(policyText.replace('branch: main }, get', 'brnch: main }, get'))
  const before = made.lock()
  const { exitCode, stderr } = await made.run()
  assert.equal(exitCode, 2)
  assert.match(stderr, /^a\.policy\.yaml:7:|policies\/a\.policy\.yaml:7:/)
  assert.match(stderr, /nothing is locked/)
  assert.equal(made.lock(), before)
  assert.deepEqual(made.fake.requests, [])
})

test('a lock that cannot be read is not taken for an empty one', async (t) => {
  const made = await locked(t)
  const whole = made.lock() ?? ''
  for (const text of [
    whole.replace('repos:', '<<<<<<< ours\nrepos:'),
    `${whole}\nrepos: {}\n`,
    whole.replace('repos:', 'repo:'),
    '',
  ]) {
    writeFileSync(made.lockPath, text)
    const { exitCode, stderr } = await made.run('--accept', 'acme/shop')
    assert.equal(exitCode, 2, text)
    assert.match(stderr, /policy\.lock\.yaml:\d+:\d+: error/)
    assert.equal(made.lock(), text)
  }
})

test('an id that is none, and an id of two names, are mended', async (t) => {
  const made = await locked(t)
  const whole = made.lock() ?? ''
  for (const text of [
    whole.replace('acme/api: 40212', 'acme/api: "x"'),
    whole.replace('users:', '  acme/stale: 40211\nusers:'),
    whole.replace('users:', '  acme/stale: x\nusers:'),
  ]) {
    writeFileSync(made.lockPath, text)
    assert.equal((await made.run('--check')).exitCode, 1, text)
    assert.equal((await made.run()).exitCode, 0, text)
    assert.equal(made.lock(), whole)
  }
})

test('wrong usage is told before anybody is asked', async (t) => {
  const made = await stage(t)
  for (const more of [
    ['--api', 'http://github.example/api/v3'],
    ['--api', 'x'],
    ['--check', '--accept', 'a'],
    ['twice'],
  ]) {
    const { exitCode, stderr } = await made.run(...more)
    assert.equal(exitCode, 2, stderr)
  }
  const elsewhere = await mayfly(['policy', 'lock', join(made.folder, 'nowhere')])
  assert.equal(elsewhere.exitCode, 2)
  assert.deepEqual(made.fake.requests, [])
})
