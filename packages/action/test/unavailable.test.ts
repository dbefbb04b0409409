import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { matches, startScenario } from './scenario.ts'

/** A port of loopback that nobody listens on. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

test('a broker that is down is tried four times, then the step fails and says so', async (t) => {
  const scenario = await startScenario(t)
  const url = await deadUrl()
  const result = await scenario.job.run('main', {
    ...scenario.step({ target: 'docs, staging' }),
    INPUT_URL: url,
  })
  assert.equal(result.exitCode, 1)
  assert.match(
    result.stdout,
    /^::error title=Mayfly::http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED; 4 tries\)\.$/m,
  )
  assert.match(result.files.GITHUB_STEP_SUMMARY, /cannot be reached/)
  assert.equal(result.files.GITHUB_ENV + result.files.GITHUB_OUTPUT + result.files.GITHUB_STATE, '')
  assert.equal(
    scenario.services.requests.length,
    4,
    'an ID token for each try, and none for the second target',
  )
})

test('a broker that stays unavailable is asked four times in all', async (t) => {
  const body = {
    error: 'temporarily_unavailable',
    error_description: 'A system that this request needs is not available.',
  }
  const away = { status: 503, body, headers: { 'retry-after': '0' } }
  const scenario = await startScenario(t, { token: { docs: [away] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  matches(t, 'unavailable', result, scenario)
})

test('a wait that is too long for a job is not waited', async (t) => {
  const busy = { status: 429, body: { error: 'invalid_request' }, headers: { 'retry-after': '3600' } }
  const scenario = await startScenario(t, { token: { docs: [busy] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.equal(result.exitCode, 1)
  assert.equal(scenario.services.requests.length, 2)
})

test("a place that is no broker is told as such, without the place's own words", async (t) => {
  const page = { status: 404, body: '<html>::set-output name=x::y' }
  const scenario = await startScenario(t, { token: { docs: [page] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  matches(t, 'no-broker', result, scenario)
})

test('a job without the permission is told the exact lines to add', async (t) => {
  const scenario = await startScenario(t)
  const { ACTIONS_ID_TOKEN_REQUEST_TOKEN: _, ...step } = scenario.step({ target: 'docs' })
  const result = await scenario.job.run('main', step)
  matches(t, 'no-permission', result, scenario)
})

test('the token service is asked again when it stumbles', async (t) => {
  const stumble = { status: 502, body: 'bad gateway' }
  const scenario = await startScenario(t, {
    idToken: [stumble, stumble, { status: 200, body: { value: 'id-token-late' } }],
  })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.equal(result.exitCode, 0)
  assert.equal(scenario.services.requests.length, 4)
})

test('wrong inputs are all told at once, before anything is asked', async (t) => {
  const scenario = await startScenario(t)
  const inputs = { url: 'http://mayfly.example.com', target: 'a.b, a-b', export: 'env, clipboard' }
  const result = await scenario.job.run('main', scenario.step(inputs))
  matches(t, 'wrong-inputs', result, scenario)
})

test('without a state file nothing is asked: it could not be given back', async (t) => {
  const scenario = await startScenario(t)
  const result = await scenario.job.run('main', { ...scenario.step({ target: 'docs' }), GITHUB_STATE: '' })
  assert.equal(result.exitCode, 1)
  assert.match(result.stdout, /GITHUB_STATE is not set/)
  assert.deepEqual(scenario.services.requests, [])
})

test('a credential that cannot be written down is given back at once', async (t) => {
  const scenario = await startScenario(t)
  const env = { ...scenario.step({ target: 'docs' }), GITHUB_STATE: `${scenario.job.temp}/no/such/folder` }
  const result = await scenario.job.run('main', env)
  assert.equal(result.exitCode, 1)
  assert.match(scenario.services.requests.at(-1) ?? '', /^POST \/revoke[\s\S]*token = credential-for-docs$/)
})
