/** `mayfly policy lock` as a person and as CI use it, against GitHub's API on loopback. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadPolicy } from '@mayfly/policy/load'
import { type Ended, mayfly } from '../../packages/cli/test/command-line.ts'
import { type GithubApiFake, githubApiFor, sendJson } from '../fakes/github-api.ts'

const secret = 'ghp_NotARealToken0123456789'

const policyText = `version: 1
issuers:
  github: { owners: [acme] }
targets:
  orders: { tier: staging, access: write, secret: orders }
grants:
  - { name: shop, who: { repo: [acme/shop, acme/api], branch: main }, get: orders, for: 10m }
deny:
  - { name: no bots, who: { actor: [octo, dependabot] } }
tests:
  - { name: main, token: { repo: acme/shop, branch: main }, asks: orders, expect: grant }
`

interface Stage {
  readonly fake: GithubApiFake
  readonly folder: string
  readonly lockPath: string
  readonly lock: () => string | undefined
  readonly policy: (text: string) => void
  readonly run: (...more: string[]) => Promise<Ended>
}

async function stage(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const fake = await githubApiFor(t)
  const root = mkdtempSync(join(tmpdir(), 'mayfly-lock-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'policies')
  mkdirSync(folder)
  const lockPath = join(folder, 'policy.lock.yaml')
  const policy = (text: string) => writeFileSync(join(folder, 'a.policy.yaml'), text)
  policy(policyText)
  return {
    fake,
    folder,
    lockPath,
    policy,
    lock: () => {
      try {
        return readFileSync(lockPath, 'utf8')
      } catch {
        return undefined
      }
    },
    run: async (...more) => {
      const ended = await mayfly(['policy', 'lock', folder, '--api', fake.url, ...more], { env })
      for (const text of [ended.stdout, ended.stderr]) assert.ok(!text.includes(secret), text)
      return ended
    },
  }
}

/** A stage whose lock was written, and the requests of that forgotten. */
async function locked(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const made = await stage(t, env)
  const { exitCode, stderr } = await made.run()
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' })
  made.fake.requests.length = 0
  return made
}

async function refused(made: Stage, wanted: RegExp, ...more: string[]): Promise<Ended> {
  const before = made.lock()
  const ended = await made.run(...more)
  assert.equal(ended.exitCode, 1, ended.stdout + ended.stderr)
  assert.match(ended.stderr, wanted)
  assert.equal(made.lock(), before)
  return ended
}

test('a policy without a lock gets one, that loads; the second run changes nothing', async (t) => {
  const made = await stage(t)
  const { exitCode, stdout, stderr } = await made.run()
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' })
  assert.equal(
    made.lock()?.replaceAll(/^#.*\n/gm, ''),
    `owners:\n  acme: 9919\nrepos:\n  acme/api: 40212\n  acme/shop: 40211\nusers:\n  dependabot: 49699333\n  octo: 583231\n`,
  )
  assert.match(stdout, /^added +repos +acme\/shop +40211 /m)
  assert.match(stdout, /^added +users +dependabot +49699333 +app, dependabot\[bot\]$/m)
  assert.match(stdout, /policy\.lock\.yaml written: 5 names\n$/)
  assert.ok(loadPolicy([{ path: 'a', text: policyText }], { path: 'l', text: made.lock() ?? '' }).ok)
  assert.deepEqual(readdirSync(made.folder).sort(), ['a.policy.yaml', 'policy.lock.yaml'])
  assert.ok(made.fake.requests.every(({ authorization }) => authorization === undefined))

  const { mtimeMs } = statSync(made.lockPath)
  const again = await made.run()
  assert.deepEqual(again, { exitCode: 0, stdout: 'policy.lock.yaml is up to date: 5 names\n', stderr: '' })
  assert.equal(statSync(made.lockPath).mtimeMs, mtimeMs)
})

test('names that are locked are verified again, with one request each; an app by its short name needs two', async (t) => {
  const made = await locked(t)
  assert.equal((await made.run()).exitCode, 0)
  assert.deepEqual(made.fake.requests.map(({ path }) => path).sort(), [
    '/repos/acme/api',
    '/repos/acme/shop',
    '/users/acme',
    '/users/dependabot',
    '/users/dependabot%5Bbot%5D',
    '/users/octo',
  ])
})

test('a name that somebody took is never locked silently', async (t) => {
  const made = await locked(t)
  const shop = made.fake.repositories.find(({ full_name }) => full_name === 'Acme/shop')
  assert.ok(shop)
  shop.id = 66666
  const { stdout, stderr } = await refused(made, /a\.policy\.yaml:7:33: error P013/)
  assert.match(stdout, /^replaced +repos +acme\/shop +66666 +was 40211$/m)
  assert.match(stderr, /locked is id 40211, GitHub says 66666 \(Acme\/shop\)/)
  assert.match(stderr, /mayfly policy lock --accept acme\/shop/)
  assert.match(stderr, /Nothing was written\.\n$/)
  await refused(made, /another repository/, '--accept', 'acme/api')
  await refused(made, /another repository/, '--check')
  const accepted = await made.run('--accept', 'acme/api,Acme/Shop')
  assert.equal(accepted.exitCode, 0, accepted.stderr)
  assert.match(made.lock() ?? '', /acme\/shop: 66666/)
})

test('an owner and a user that are others now are not locked silently either', async (t) => {
  const made = await locked(t)
  for (const account of made.fake.accounts) if (account.login !== 'dependabot') account.id += 1
  const { stderr } = await refused(made, /`acme` is another organisation/)
  assert.match(stderr, /`octo` is another user/)
  assert.match(stderr, /`dependabot` is another app/)
})

test('a name that nobody uses any more leaves the lock, a new one comes in, a renamed one keeps its id', async (t) => {
  const made = await locked(t)
  const shop = made.fake.repositories.find(({ full_name }) => full_name === 'Acme/shop')
  assert.ok(shop)
  Object.assign(shop, { full_name: 'Acme/store', formerly: ['acme/shop'] })

  const kept = await made.run()
  assert.equal(kept.exitCode, 0)
  assert.match(kept.stderr, /`acme\/shop` is called Acme\/store on GitHub now; the id is the same/)
  assert.match(kept.stdout, /up to date/)

  made.policy(policyText.replaceAll('acme/shop', 'acme/store').replace('[octo, dependabot]', 'dependabot'))
  const { exitCode, stdout, stderr } = await made.run()
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' })
  assert.match(stdout, /^renamed +repos +acme\/store +40211 +was acme\/shop$/m)
  assert.match(stdout, /^gone +users +octo +583231 /m)
  assert.doesNotMatch(made.lock() ?? '', /octo|shop/)
  assert.match(made.lock() ?? '', /acme\/store: 40211/)
})

test('an organisation that was renamed is found by its locked id', async (t) => {
  const made = await locked(t)
  Object.assign(made.fake.accounts[0] ?? {}, { login: 'Acme-Corp' })
  const { exitCode, stdout, stderr } = await made.run()
  assert.equal(exitCode, 0, stderr)
  assert.match(stderr, /`acme` is called Acme-Corp on GitHub now/)
  assert.match(stdout, /up to date/)
})

test('the old and the new name of one repository in one policy are told, not written', async (t) => {
  const made = await stage(t)
  made.fake.repositories.push({ id: 7, full_name: 'Acme/new', formerly: ['acme/old'] })
  made.policy(policyText.replace('acme/shop, acme/api', 'acme/shop, acme/old, acme/new'))
  await refused(made, /`acme\/old` and `acme\/new` are one thing on GitHub \(7\)/)
})

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

test('an actor is a user or a bot, never the organisation of that name, and two of one name are asked about', async (t) => {
  const made = await locked(t)
  made.policy(policyText.replace('octo, dependabot', '"dependabot[bot]"'))
  assert.equal((await made.run()).exitCode, 0)
  assert.match(made.lock() ?? '', /"dependabot\[bot\]": 49699333/)

  made.fake.accounts.push({ id: 1, login: 'some-org', type: 'Organization' })
  made.policy(policyText.replace('octo, dependabot', 'some-org'))
  await refused(made, /`some-org` is an organisation, which starts no jobs/)

  made.fake.accounts.push(
    { id: 2, login: 'renovate', type: 'User' },
    { id: 3, login: 'renovate[bot]', type: 'Bot' },
  )
  made.policy(policyText.replace('octo, dependabot', 'renovate'))
  await refused(made, /is the account renovate \(2\) and the app renovate\[bot\] \(3\)/)
  assert.equal((await made.run('--accept', 'renovate')).exitCode, 0)
  assert.match(made.lock() ?? '', /renovate: 2\n/)
  assert.equal((await made.run()).exitCode, 0)

  made.policy(policyText.replace('octo, dependabot', '"octo[bot]"'))
  await refused(made, /no account `octo\[bot\]`/)
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
