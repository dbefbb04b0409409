/** `mayfly policy lock` as a person uses it: what comes in, what goes, what was renamed, what somebody took. */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { loadPolicy } from '@mayfly/policy/load'
import { locked, policyText, refused, stage } from './lock-stage.ts'

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
