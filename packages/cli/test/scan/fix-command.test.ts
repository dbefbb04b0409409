/** `mayfly scan --fix` as a process: its difference is what git applies, and what it writes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { unifiedDiff } from '../../src/scan/fix/unified-diff.ts'
import { mayfly } from '../command-line.ts'
import { folder } from './fix-fixtures.ts'

/** A clone that came from GitHub, with some of the fixtures. */
function clone(t: TestContext, names: readonly string[]): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-fix-test-'))
  t.after(() => rmSync(path, { recursive: true }))
  mkdirSync(join(path, '.github/workflows'), { recursive: true })
  for (const name of names) cpSync(join(folder, name), join(path, '.github/workflows', name))
  execFileSync('git', ['init', '--quiet', path])
  const origin = '[remote "origin"]\n\turl = git@github.com:acme/shop.git\n\tfetch = +refs/heads/*\n'
  writeFileSync(join(path, '.git/config'), origin)
  return path
}

const some = [
  'deploy-aws-keys.yml',
  'job-env.yml',
  'docker-publish.yml',
  'release-bot.yml',
  'clean-stale.yml',
]

test('the difference applies with git, and is what --write writes', async (t) => {
  const [reviewed, written] = [clone(t, some), clone(t, some)]
  const shown = await mayfly(['scan', '--fix', reviewed])
  assert.equal(shown.exitCode, 1, shown.stderr)
  assert.match(shown.stderr, /then: `mayfly policy lock policies\/`/)
  execFileSync('git', ['-C', reviewed, 'apply', '-'], { input: shown.stdout })
  const wrote = await mayfly(['scan', '--fix', '--write', written])
  assert.deepEqual([wrote.exitCode, wrote.stdout], [0, ''])
  const all = (path: string) =>
    globSync(['.github/workflows/*', 'policies/*'], { cwd: path })
      .sort()
      .map((name) => [name, readFileSync(join(path, name), 'utf8')])
  assert.equal(all(reviewed).length, some.length + 1)
  assert.deepEqual(all(written), all(reviewed))
  const again = await mayfly(['scan', '--fix', '--write', written])
  assert.equal(again.exitCode, 0, again.stderr)
})

test('a policy that is there already is not written over, and wrong words end with 2', async (t) => {
  const path = clone(t, ['npm-publish.yml'])
  mkdirSync(join(path, 'policies'))
  writeFileSync(join(path, 'policies/shop.policy.yaml'), 'mine\n')
  const shown = await mayfly(['scan', '--fix', path])
  assert.match(shown.stderr, /shop\.policy\.yaml is there already: move it away, or `git apply` refuses/)
  const there = await mayfly(['scan', '--fix', '--write', path])
  assert.equal(there.exitCode, 2)
  assert.match(there.stderr, /`policies\/shop\.policy\.yaml` is there already/)
  assert.equal(readFileSync(join(path, 'policies/shop.policy.yaml'), 'utf8'), 'mine\n')
  for (const words of [
    ['--write'],
    ['--fix', '--json'],
    ['--fix', '--url', 'x: y'],
    ['--fix', '--repository', 'acme'],
  ])
    assert.equal((await mayfly(['scan', ...words, path])).exitCode, 2, words.join(' '))
})

test('nothing is written through a link that leads out of the checkout', async (t) => {
  const [path, outside] = [clone(t, ['npm-publish.yml']), clone(t, [])]
  symlinkSync(outside, join(path, 'policies'))
  const { exitCode, stderr } = await mayfly(['scan', '--fix', '--write', path])
  assert.equal(exitCode, 2)
  assert.match(stderr, /`policies` is a link/)
  assert.deepEqual(globSync('*', { cwd: outside }), [])
  const kept = readFileSync(join(path, '.github/workflows/npm-publish.yml'), 'utf8')
  assert.equal(kept, readFileSync(join(folder, 'npm-publish.yml'), 'utf8'))
})

test('a difference says new files, files without a last line end, and changes that lie far apart', () => {
  assert.equal(unifiedDiff('a', 'x\n', 'x\n'), '')
  assert.equal(unifiedDiff('a', undefined, 'x\n'), '--- /dev/null\n+++ b/a\n@@ -0,0 +1,1 @@\n+x\n')
  assert.equal(
    unifiedDiff('a', 'x', 'y\n'),
    '--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-x\n\\ No newline at end of file\n+y\n',
  )
  const lines = Array.from({ length: 40 }, (_, at) => `${at}\n`)
  const changed = lines.with(2, 'two\n').with(30, 'thirty\n')
  assert.match(unifiedDiff('a', lines.join(''), changed.join('')), /@@ -1,6 \+1,6 @@[^@]*@@ -28,7 \+28,7 @@/)
})
