import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scripted } from './fake-services.ts'
import { matches, startScenario } from './scenario.ts'

const refusal: Scripted = {
  status: 400,
  body: {
    error: 'invalid_target',
    error_description: 'The target is unknown or not allowed.',
    error_id: '0198-refused',
    explanation: {
      summary: 'Two grants give prod-deploy; none matches this job.',
      grants: [
        {
          grant: 'deploy-from-main',
          failing: [
            {
              claim: 'environment',
              needed: 'production',
              hint: 'add `environment: production` to the job',
            },
            { claim: 'ref', got: 'refs/heads/feature', needed: 'refs/heads/main' },
          ],
        },
        {
          grant: 'release',
          failing: [{ claim: 'event_name', got: 'push', needed: ['release', 'schedule'] }],
        },
      ],
    },
  },
}

test('a refusal says which condition failed, what the token had and what was needed', async (t) => {
  const scenario = await startScenario(t, { token: { 'prod-deploy': [refusal] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'prod-deploy' }))
  matches(t, 'refused', result, scenario)
})

test('a refusal says each thing once', async (t) => {
  const failing = [{ claim: 'environment', needed: 'production' }]
  const explanation = {
    summary: 'deploy: environment is missing, needs production',
    grants: [{ grant: 'deploy', failing }],
  }
  const body = { error: 'invalid_target', error_description: 'No.', explanation }
  const scenario = await startScenario(t, { token: { docs: [{ status: 400, body }] } })
  const { stdout, files } = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.equal(stdout.match(/Mayfly refused/g)?.length, 1, stdout)
  assert.equal(stdout.match(/needs production/g)?.length, 1, stdout)
  assert.doesNotMatch(JSON.stringify(files), /Mayfly refused: |<p>deploy: /)
})

test('when one target of several is refused nothing is exported and the rest stays in the state', async (t) => {
  const scenario = await startScenario(t, { token: { 'prod-deploy': [refusal] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs, prod-deploy, staging' }))
  matches(t, 'one-of-several-refused', result, scenario)
})

test('a refusal without an explanation still names the record of it', async (t) => {
  const body = {
    error: 'invalid_request',
    error_description: 'The token was not accepted.',
    error_id: '0198-x',
  }
  const scenario = await startScenario(t, { token: { docs: [{ status: 400, body }] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  matches(t, 'refused-without-explanation', result, scenario)
})

test('a refusal is final: it is not asked again', async (t) => {
  const scenario = await startScenario(t, {
    token: { docs: [{ status: 401, body: { error: 'invalid_client' } }] },
  })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.equal(result.exitCode, 1)
  assert.equal(scenario.services.requests.filter((line) => line.startsWith('POST /token')).length, 1)
})

test('a redirect is not followed: the token goes to the named broker alone', async (t) => {
  const redirect = { status: 307, body: '', headers: { location: '/elsewhere' } }
  const scenario = await startScenario(t, { token: { docs: [redirect] } })
  const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
  assert.equal(result.exitCode, 1)
  assert.match(result.stdout, /status 307/)
  assert.equal(scenario.services.requests.length, 2)
})
