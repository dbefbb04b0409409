/** What a reviewer types about a policy: diff as a gate, tests, proofs, the role matrix. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mayfly } from '../../packages/cli/test/command-line.ts'

const examples = join(import.meta.dirname, '../../examples')

/** A git repository with an example's policy, committed, and a way to change it. */
function repository(t: TestContext, name: string) {
  const root = mkdtempSync(join(tmpdir(), 'mayfly-policy-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'policies')
  cpSync(join(examples, name, 'policies'), folder, { recursive: true })
  const git = (...words: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words])
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'policy')
  const file = join(folder, `${name}.policy.yaml`)
  const change = (from: string, to: string) => {
    const text = readFileSync(file, 'utf8')
    assert.ok(text.includes(from))
    writeFileSync(file, text.replace(from, to))
  }
  return { folder, change }
}

test('diff against a revision: nothing, a loss, and production with exit code 3', async (t) => {
  const { folder, change } = repository(t, 'startup')
  const diff = (...more: string[]) => mayfly(['policy', 'diff', '--git', 'HEAD', ...more, folder])
  assert.deepEqual([(await diff()).exitCode, (await diff()).stdout], [0, 'no change in access\n'])
  change('branch: [main, develop], environment: staging', 'branch: develop, environment: staging')
  const lost = await diff()
  assert.deepEqual([lost.exitCode, lost.stderr], [0, ''])
  assert.match(
    lost.stdout,
    /^- loses orders-api-staging \(staging\) orders:read orders:write by grant\n {2}`shop-staging`$/m,
  )
  assert.match(lost.stdout, /^nobody gains anything in production$/m)
  change(
    'repo: acme/shop, branch: main, environment: production',
    'repo: acme/shop, branch: [main, hotfix], environment: production',
  )
  const gained = await diff()
  assert.equal(gained.exitCode, 3)
  assert.match(
    gained.stdout,
    /^\+ gains orders-api \(production\)[^~]*\n {4}such as [^~]*refs\/heads\/hotfix/m,
  )
  assert.ok(gained.stdout.split('\n').every((line) => line.length <= 80))
  const { productionGained, gained: changes } = JSON.parse((await diff('--json')).stdout)
  assert.deepEqual([productionGained, changes.length], [true, 1])
})

test('a deny rule that is gone is one change for each tier, however many targets it kept; production comes first', async (t) => {
  const { folder, change } = repository(t, 'company')
  change('  - name: public repositories get nothing\n    who: { repository_visibility: public }\n', '')
  const { exitCode, stdout } = await mayfly(['policy', 'diff', '--git', 'HEAD', folder])
  assert.equal(exitCode, 3)
  const heads = stdout.split('\n').filter((line) => line.startsWith('+'))
  assert.equal(heads.length, 3)
  assert.match(heads[0] ?? '', /^\+ gains prod-cluster \(production\), prod-ledger-db/)
  assert.match(stdout, /and 3 other cases\n {4}policies\/company\.policy\.yaml:\d+:\d+ of the old policy\n/)
})

test('where the revision has no policy, all of the new one is gained', async (t) => {
  const { folder } = repository(t, 'startup')
  const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...words])
  git('checkout', '-q', '--orphan', 'empty')
  git('rm', '-rq', '--cached', '.')
  const author = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
  git(...author, 'commit', '-q', '--allow-empty', '-m', 'nothing')
  const { exitCode, stdout, stderr } = await mayfly(['policy', 'diff', '--git', 'HEAD', folder])
  assert.equal(exitCode, 3)
  assert.match(stderr, /^the revision has no policy in this folder: all of it is new$/m)
  assert.match(stdout, /^\+ gains orders-api \(production\)/m)
})

test('a comment is never larger than GitHub takes, and says how much it leaves out', async (t) => {
  const { folder, change } = repository(t, 'startup')
  const long = (at: number) => `${'`<&'.repeat(80)}${at}`
  const grants = Array.from(
    { length: 400 },
    (_, at) =>
      `  - name: "${long(at)}"\n    who: { repo: acme/shop, branch: b${at} }\n    get: orders-api-staging\n    for: 5m\n`,
  )
  change('\ngrants:\n', `\ngrants:\n${grants.join('')}`)
  const diff = (form: string) => mayfly(['policy', 'diff', '--git', 'HEAD', form, folder])
  const { stdout } = await diff('--markdown')
  assert.ok(stdout.length < 65_536, String(stdout.length))
  assert.match(stdout, /^\| and \d+ more \| \| \| \|$/m)
  assert.equal(JSON.parse((await diff('--json')).stdout).gained.length, 400)
})

test('a comment for a pull request holds no markup of the author of the policy', async (t) => {
  const { folder, change } = repository(t, 'startup')
  change('- name: shop-staging', '- name: "<img src=x> @all [x](y) | `shop`"')
  change(
    'branch: [main, develop], environment: staging',
    'branch: [main, develop, next], environment: staging',
  )
  const { stdout } = await mayfly(['policy', 'diff', '--git', 'HEAD', '--markdown', folder])
  assert.match(stdout, /^\*\*Gained\*\*$/m)
  assert.doesNotMatch(stdout, /<img|@all|\[x\]|`/)
})

test('a faulty policy and wrong words are told apart from a change', async (t) => {
  const { folder, change } = repository(t, 'startup')
  change('branch: [main, develop]', 'brunch: main')
  const faulty = await mayfly(['policy', 'diff', '--git', 'HEAD', folder])
  assert.deepEqual([faulty.exitCode, faulty.stdout], [1, ''])
  assert.match(faulty.stderr, /the new policy has faults.*P002/s)
  for (const words of [
    ['policy', 'diff', folder],
    ['policy', 'diff', '--git', 'no-such-branch', folder],
    ['policy', 'diff', '--git=-x', folder],
  ]) {
    const { exitCode, stdout } = await mayfly(words)
    assert.deepEqual([exitCode, stdout], [2, ''], words.join(' '))
  }
})

test('tests are listed one by one; one that fails is named, and the exit code says so', async (t) => {
  const { folder, change } = repository(t, 'startup')
  const good = await mayfly(['policy', 'test', folder])
  assert.deepEqual([good.exitCode, good.stdout.trimEnd().split('\n').at(-1)], [0, '5 passed, 0 failed'])
  change('branch: [main, develop], environment: staging', 'branch: main, environment: staging')
  const bad = await mayfly(['policy', 'test', folder])
  assert.equal(bad.exitCode, 1)
  assert.match(bad.stdout, /^FAIL develop reaches staging \(orders-api-staging: grant\)$/m)
  assert.match(bad.stdout, /^4 passed, 1 failed$/m)
})

test('proofs say why; a guardrail that breaks shows the token, as a person and as a program reads it', async (t) => {
  const { folder, change } = repository(t, 'agents')
  const good = await mayfly(['policy', 'prove', folder])
  assert.equal(good.exitCode, 0)
  assert.match(good.stdout, /^proved {6}no job of an agent reaches production\n {2}is denied/m)
  change('actor: [coding-agent, review-agent, dependabot]', 'actor: [review-agent, dependabot]')
  const bad = await mayfly(['policy', 'prove', folder])
  assert.equal(bad.exitCode, 1)
  assert.match(
    bad.stdout,
    /^BROKEN {6}no job of an agent reaches production\n(?: [^\n]*\n)*? [^\n]*actor_id = 198982749/m,
  )
  const { proofs } = JSON.parse((await mayfly(['policy', 'prove', '--json', folder])).stdout)
  const refuted = proofs.find(({ outcome }: { outcome: string }) => outcome === 'refuted')
  assert.equal(refuted.counterexample.claims.actor_id, '198982749')
})

test('the role matrix from both sides', async (t) => {
  const { folder } = repository(t, 'company')
  const reach = await mayfly(['policy', 'reach', '{ repo: acme/infra, branch: main }', folder])
  assert.equal(reach.exitCode, 0)
  assert.match(reach.stdout, /^prod-infra-plan +production +read +900 s/m)
  assert.doesNotMatch(reach.stdout, /prod-ledger-db/)
  const who = await mayfly(['policy', 'who', 'prod-ledger-db', folder])
  assert.match(who.stdout, /^payments migrates its ledger: 600 s\n/)
  assert.match(who.stdout, /^ {2}unless deny rule `public repositories get nothing` applies$/m)
  assert.equal((await mayfly(['policy', 'who', 'prod-ledger', folder])).exitCode, 2)
  assert.equal((await mayfly(['policy', 'reach', '{ brunch: x }', folder])).exitCode, 2)
})
