import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entriesOf } from './fake-runner.ts'
import { grantBody } from './fake-services.ts'
import { matches, startScenario } from './scenario.ts'

const hostile = [
  'x\n::add-path::/evil\r\n::set-output name=token::evil',
  '##[stop-commands]z',
  '</code></td></tr></table>\n\n# Approved | `a` | [b](https://evil.example) <img src=//evil.example> @everyone',
  '\u2028::error::u2028 \u202Egnp.exe \u001B[31m 100%25',
].join(' ')

test('hostile claim values stay values: in the log, in the annotation and in the summary', async (t) => {
  const condition = { claim: hostile, got: hostile, needed: hostile, hint: hostile }
  const body = {
    error: 'invalid_target',
    error_description: hostile,
    error_id: hostile,
    explanation: { summary: hostile, grants: [{ grant: hostile, failing: [condition] }] },
  }
  const scenario = await startScenario(t, { token: { docs: [{ status: 400, body }] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  matches(t, 'hostile-refusal', result, scenario)

  const lines = result.stdout.split(/\r\n|[\r\n]/)
  assert.deepEqual(
    lines.map((line) => line.slice(0, 12)),
    ['::add-mask::', '::error titl', ''],
  )
  assert.doesNotMatch(result.stdout, /##\[|[\u2028\u202E\u001B]/)
  const summary = result.files.GITHUB_STEP_SUMMARY
  assert.doesNotMatch(summary, /\n\s*\n|<img|\]\(.*[^>]<\/h|^#/m)
  assert.equal(summary.match(/<\/table>/g)?.length, 1)
  assert.equal(summary.match(/<td>/g)?.length, 5)
})

test('a credential of several lines is masked line by line and cannot begin another variable', async (t) => {
  const token = 'first-line\n100%done\r\nEVIL<<X\nPATH=/evil'
  const body = grantBody('docs', token, { lease_id: 'lease\nPATH=/evil', scope: hostile })
  const scenario = await startScenario(t, { token: { docs: [{ status: 200, body }] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs', export: 'env, output' }))
  assert.deepEqual(result.stdout.split('\n').slice(1, 5), [
    '::add-mask::first-line',
    '::add-mask::100%25done',
    '::add-mask::EVIL<<X',
    '::add-mask::PATH=/evil',
  ])
  assert.deepEqual(entriesOf(result.files.GITHUB_ENV), { MAYFLY_TOKEN: token, MAYFLY_TOKEN_DOCS: token })
  const left = result.files.GITHUB_ENV + result.files.GITHUB_OUTPUT
  const delimiters = left.match(/^[\w-]+<<mayfly_[0-9a-f]{32}$/gm)?.map((line) => line.split('<<')[1])
  assert.equal(new Set(delimiters).size, 8, 'a delimiter of its own for every entry')
  assert.deepEqual(Object.keys(entriesOf(result.files.GITHUB_OUTPUT)), [
    'token',
    'token-docs',
    'expires-at',
    'expires-at-docs',
    'lease-id',
    'lease-id-docs',
  ])
})

test('the parts of a credential are secrets too', async (t) => {
  const body = grantBody('db', 'lease-token', {
    credential: { user: 'u-4711', password: 'p-4711', deep: { key: 'k' } },
  })
  const scenario = await startScenario(t, { token: { db: [{ status: 200, body }] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'db' }))
  assert.match(result.stdout, /^::add-mask::p-4711$/m)
  assert.match(result.stdout, /^::add-mask::u-4711$/m)
})

test('a middle box that echoes the request does not bring the token into the log', async (t) => {
  const body = { error: 'bad_gateway', error_description: 'no route for subject_token=id-token-1' }
  const scenario = await startScenario(t, { token: { docs: [{ status: 400, body }] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.match(result.stdout, /subject_token=\*\*\*/)
  assert.doesNotMatch(result.stdout + result.files.GITHUB_STEP_SUMMARY, /=id-token-1/)
})

test('a cancelled step writes down the credential that is on its way', async (t) => {
  const hold = Promise.withResolvers<void>()
  const scenario = await startScenario(t, { hold: hold.promise })
  const kills: ((signal: NodeJS.Signals) => void)[] = []
  const running = scenario.job.run('main', scenario.step({ target: 'docs' }), (kill) => kills.push(kill))
  await scenario.services.asked
  for (const kill of kills) kill('SIGINT')
  for (const kill of kills) kill('SIGTERM')
  hold.resolve()
  const result = await running
  assert.match(entriesOf(result.files.GITHUB_STATE)['lease_0'] ?? '', /credential-for-docs/)
})
