import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../../test/fakes/clock.ts'
import { ours, platformClaims, start } from '../../../../../test/fakes/platform-claims.ts'
import { newSigningKey, signToken } from '../../../../../test/fakes/signing-key.ts'
import { parseCompact } from '../compact.ts'
import { issuerSettings } from '../settings.ts'
import { openOidcIssuer } from './oidc.ts'

const key = newSigningKey('key-1')
const open = (settings: object) =>
  openOidcIssuer({
    name: 'ci',
    settings: issuerSettings.parse(settings),
    audience: ours,
    tools: fakeTools(),
    fetch: async () => assert.fail('the network was used'),
  })
const verify = (preset: 'github-actions' | 'buildkite', changes: object) =>
  open({ preset, jwks: { keys: [key.jwk] } }).verify(
    parseCompact(signToken(key, { ...platformClaims[preset], ...changes })),
  )

test('a token that becomes valid only when it has ended is refused', async () => {
  const times = { iat: start - 10, exp: start + 20 }
  await verify('github-actions', { ...times, nbf: start + 19 })
  await assert.rejects(verify('github-actions', { ...times, nbf: start + 20 }), /valid at no time/)
  await assert.rejects(verify('github-actions', { ...times, nbf: start + 55 }), /valid at no time/)
})

test('a custom property of GitHub is text, whatever its name', async () => {
  await verify('github-actions', { repo_property_team: 'payments' })
  for (const value of [7, true, null, ['payments'], { a: 1 }])
    await assert.rejects(verify('github-actions', { repo_property_team: value }), /is not text/)
})

test('a Buildkite sub that names another pipeline than the claims is refused', async () => {
  const sub = String(platformClaims.buildkite['sub'])
  await verify('buildkite', {})
  await assert.rejects(verify('buildkite', { pipeline_slug: 'other' }), /form that the job chose/)
  await assert.rejects(verify('buildkite', { sub: `x${sub}` }), /form that the job chose/)
})
