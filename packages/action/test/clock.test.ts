import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scripted } from './fake-services.ts'
import { matches, startScenario } from './scenario.ts'

const brokerSeconds = 1_795_402_800
const refusal: Scripted = {
  status: 400,
  body: { error: 'invalid_request', error_description: 'The token was not accepted.', error_id: 'au_clock' },
  headers: { date: new Date(brokerSeconds * 1000).toUTCString() },
}

/** A token that begins so many seconds after the broker's time; nobody here checks its signature. */
function tokenOf(audience: string, ahead: number): Scripted {
  const iat = brokerSeconds + ahead
  const claims = { iss: 'https://issuer.example', aud: audience, iat, nbf: iat, exp: iat + 300 }
  const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return { status: 200, body: { value: `${text({ alg: 'RS256' })}.${text(claims)}.c2lnbmF0dXJl` } }
}

for (const [name, ahead] of [
  ['clock-behind', 3600],
  ['clock-ahead', -3600],
] as const) {
  test(`a broker whose clock is wrong is told from a token that is (${name})`, async (t) => {
    const idToken: Scripted[] = []
    const scenario = await startScenario(t, { idToken, token: { docs: [refusal] } })
    idToken.push(tokenOf(scenario.services.url, ahead))
    const result = await scenario.job.run('main', scenario.step({ target: 'docs' }))
    assert.match(result.files.GITHUB_STEP_SUMMARY, /clock/)
    matches(t, name, result, scenario)
  })
}
