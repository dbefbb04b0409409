import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { entriesOf } from './fake-runner.ts'
import { matches, startScenario } from './scenario.ts'

test('a granted credential is masked, exported as a variable, and told in the summary', async (t) => {
  const scenario = await startScenario(t)
  const result = await scenario.job.run('main', scenario.step({ target: 'prod-deploy', scope: 'deploy' }))
  matches(t, 'granted', result, scenario)
})

test('several targets get variables of their own and no shared one', async (t) => {
  const scenario = await startScenario(t)
  const result = await scenario.job.run(
    'main',
    scenario.step({ target: 'staging-db\nprod.deploy, docs', export: 'env, output' }),
  )
  matches(t, 'several-targets', result, scenario)
})

test('a file is for its owner alone and is not in the environment as a value', async (t) => {
  const scenario = await startScenario(t)
  const result = await scenario.job.run('main', scenario.step({ target: 'prod-deploy', export: 'file' }))
  matches(t, 'file', result, scenario)
  const path = entriesOf(result.files.GITHUB_ENV)['MAYFLY_FILE'] ?? ''
  assert.equal(readFileSync(path, 'utf8'), 'credential-for-prod-deploy')
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a broker that is busy is asked again with a new ID token', async (t) => {
  const busy = {
    status: 429,
    body: { error: 'invalid_request', error_description: 'Too many requests.' },
    headers: { 'retry-after': '0' },
  }
  const granted = { status: 200, body: { access_token: 'second-try', expires_in: 60, lease_id: 'lease-2' } }
  const scenario = await startScenario(t, { token: { docs: [busy, granted] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.equal(result.exitCode, 0)
  const subjectTokens = scenario.services.requests.join('\n').match(/subject_token = .*/g)
  assert.deepEqual(subjectTokens, ['subject_token = id-token-1', 'subject_token = id-token-2'])
  const minute = Date.parse(entriesOf(result.files.GITHUB_OUTPUT)['expires-at'] ?? '') - Date.now()
  assert.ok(minute > 30_000 && minute <= 60_000)
})
