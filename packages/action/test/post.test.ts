import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { entriesOf, stateVariables } from './fake-runner.ts'
import { matches, startScenario } from './scenario.ts'

test('the post step revokes every credential and removes the files', async (t) => {
  const scenario = await startScenario(t)
  const main = await scenario.job.run('main', scenario.step({ target: 'docs, staging', export: 'file' }))
  const path = entriesOf(main.files.GITHUB_ENV)['MAYFLY_FILE_DOCS'] ?? ''
  assert.ok(existsSync(path))
  const since = scenario.services.requests.length
  const result = await scenario.job.run('post', stateVariables(main))
  matches(t, 'post', result, scenario, since)
  assert.ok(!existsSync(path))
})

test('after a refusal the post step revokes what was granted beside it', async (t) => {
  const refusal = { status: 400, body: { error: 'invalid_target' } }
  const scenario = await startScenario(t, { token: { staging: [refusal] } })
  const main = await scenario.job.run('main', scenario.step({ target: 'docs, staging' }))
  assert.equal(main.exitCode, 1)
  const result = await scenario.job.run('post', stateVariables(main))
  assert.equal(result.exitCode, 0)
  assert.match(scenario.services.requests.at(-1) ?? '', /^POST \/revoke[\s\S]*token = credential-for-docs$/)
})

test('a broker that is down is a warning, not a failure', async (t) => {
  const scenario = await startScenario(t)
  const main = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  await scenario.services.close()
  const result = await scenario.job.run('post', stateVariables(main))
  assert.equal(result.exitCode, 0)
  assert.match(
    result.stdout,
    /^::warning title=Mayfly could not revoke docs::Lease lease-of-docs: .* cannot be reached \(ECONNREFUSED; 4 tries\)\./m,
  )
})

test('a broker that refuses to revoke is a warning that names the lease', async (t) => {
  const away = { status: 503, body: { error: 'temporarily_unavailable' }, headers: { 'retry-after': '0' } }
  const scenario = await startScenario(t, { revoke: [away] })
  const main = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  const since = scenario.services.requests.length
  const result = await scenario.job.run('post', stateVariables(main))
  matches(t, 'post-unavailable', result, scenario, since)
})

test('with nothing granted there is nothing to do', async (t) => {
  const scenario = await startScenario(t)
  matches(t, 'post-nothing', await scenario.job.run('post', {}), scenario)
})

test('the post step removes no folder that is not its own', async (t) => {
  const scenario = await startScenario(t)
  const other = `${scenario.job.temp}/precious`
  mkdirSync(other)
  await scenario.job.run('post', { STATE_folder: other })
  assert.ok(existsSync(other))
})
