/** `mayfly scan` as its users see it. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mayfly } from '../command-line.ts'

/** A checkout of these fixtures. */
function checkout(t: TestContext, ...names: readonly string[]): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-scan-test-'))
  t.after(() => rmSync(path, { recursive: true }))
  add(path, names)
  return path
}

function add(path: string, names: readonly string[]): void {
  mkdirSync(join(path, '.github/workflows'), { recursive: true })
  for (const name of names)
    cpSync(join(import.meta.dirname, 'fixtures', name), join(path, '.github/workflows', name))
}

test('findings stand under their file with a place, an alternative and a reason, in 80 columns', async (t) => {
  const path = checkout(t, 'deploy-aws-keys.yml', 'clean-stale.yml')
  const { exitCode, stdout, stderr } = await mayfly(['scan', path])
  assert.equal(exitCode, 1, stderr)
  assert.match(
    stdout,
    /^3 findings in 2 files: 3 high, 0 medium, 0 low\n\n\.github\/workflows\/deploy-aws-keys\.yml\n/,
  )
  assert.match(stdout, /^ {2}15:30 high MS001 `AWS_ACCESS_KEY_ID`, an access key of AWS, goes to/m)
  assert.match(stdout, /instead: keys of a role that live for the job/)
  assert.match(stdout, /\nWhy\n {2}MS001 /)
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
})

test('a clean checkout ends with 0, a folder without workflows and two formats at once with 2', async (t) => {
  const clean = await mayfly(['scan', checkout(t, 'clean-stale.yml')])
  assert.deepEqual([clean.exitCode, clean.stdout], [0, 'nothing found in 1 file\n'])
  const empty = await mayfly(['scan', checkout(t)])
  assert.equal(empty.exitCode, 2)
  assert.match(empty.stderr, /there is no \.github\/workflows and no action\.yml in/)
  assert.equal((await mayfly(['scan', '--json', '--sarif'])).exitCode, 2)
})

test('with --org each checkout of the folder is read, and paths begin with its name', async (t) => {
  const path = checkout(t)
  add(join(path, 'shop'), ['npm-publish.yml'])
  add(join(path, 'web'), ['write-all.yml', 'clean-pages.yml'])
  const { exitCode, stdout } = await mayfly(['scan', '--org', '--json', path])
  assert.equal(exitCode, 1)
  const { files, findings } = JSON.parse(stdout)
  assert.equal(files, 3)
  assert.deepEqual(
    findings.map(
      (each: { path: string; line: number; rule: string }) => `${each.path}:${each.line} ${each.rule}`,
    ),
    [
      'shop/.github/workflows/npm-publish.yml:19 MS001',
      'web/.github/workflows/write-all.yml:5 MS011',
      'web/.github/workflows/write-all.yml:14 MS011',
    ],
  )
})

interface Sarif {
  readonly version: string
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] }
    }
    readonly results: readonly {
      readonly ruleId: string
      readonly ruleIndex: number
      readonly level: string
      readonly message: { readonly text: string }
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string }
          readonly region: { readonly startLine: number; readonly startColumn: number }
        }
      }[]
      readonly partialFingerprints: Readonly<Record<string, string>>
    }[]
  }[]
}

test('SARIF names the rule, the level and the place of each, and a fingerprint that is its own', async (t) => {
  const path = checkout(t, 'terraform-env.yml', 'anchors.yml', 'secret-in-script.yml')
  const { stdout } = await mayfly(['scan', '--sarif', path])
  const { version, runs }: Sarif = JSON.parse(stdout)
  assert.equal(version, '2.1.0')
  const [run] = runs
  assert.ok(run !== undefined && run.results.length > 8)
  for (const { ruleId, ruleIndex, level, message, locations } of run.results) {
    assert.equal(run.tool.driver.rules[ruleIndex]?.id, ruleId)
    assert.match(level, /^(?:error|warning|note)$/)
    assert.ok(message.text.length > 0)
    const [location] = locations
    assert.match(location?.physicalLocation.artifactLocation.uri ?? '', /^\.github\/workflows\/[a-z-]+\.yml$/)
    assert.ok((location?.physicalLocation.region.startLine ?? 0) > 0)
    assert.ok((location?.physicalLocation.region.startColumn ?? 0) > 0)
  }
  const prints = run.results.map(({ partialFingerprints }) => partialFingerprints['mayflyScan/v1'])
  assert.equal(new Set(prints).size, prints.length)
})
