import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../../test/fakes/clock.ts'
import { ours, platformClaims, start } from '../../../../../test/fakes/platform-claims.ts'
import { newSigningKey, signToken } from '../../../../../test/fakes/signing-key.ts'
import { Failure } from '../../base/failure.ts'
import { parseCompact } from '../compact.ts'
import { presetNames } from '../preset-names.ts'
import { issuerSettings } from '../settings.ts'
import { openOidcIssuer } from './oidc.ts'
import { presets } from './presets.ts'

const key = newSigningKey('key-1')

for (const preset of presetNames) {
  const sample = platformClaims[preset]
  const row = presets[preset]
  const tools = fakeTools()
  const settings = issuerSettings.parse({ preset, issuer: sample.iss, jwks: { keys: [key.jwk] } })
  const issuer = openOidcIssuer({ name: 'ci', settings, audience: ours, tools })
  const verify = (claims: object) => issuer.verify(parseCompact(signToken(key, { ...claims })))
  const refuses = (claims: object, reason: RegExp) =>
    assert.rejects(verify(claims), (thrown) => {
      assert.ok(thrown instanceof Failure && thrown.code === 'subject_token_invalid', String(thrown))
      assert.match(thrown.reason, reason)
      return true
    })

  test(`${preset}: a token of the platform's format is accepted`, async () => {
    const principal = await verify(sample)
    assert.equal(principal.iss, sample.iss)
    assert.equal(principal.issuer, 'ci')
    assert.equal(principal.subject, sample['sub'])
    assert.deepEqual(JSON.parse(JSON.stringify(principal.claims)), sample)
    assert.equal(principal.replayUntil, Number(sample['exp']) + 120)
  })

  test(`${preset}: without one of the claims that are needed there is no identity`, async () => {
    for (const name of ['iss', 'sub', 'aud', 'exp', 'iat', ...row.required]) {
      const { [name]: _, ...rest } = sample
      await refuses(rest, /another issuer|audience|whole number|no [a-zA-Z]/)
      if (!['exp', 'iat'].includes(name)) await refuses({ ...sample, [name]: '' }, /another|^ci: no /)
      for (const wrong of [7, true, null, {}, ['x', 'y']])
        await refuses({ ...sample, [name]: wrong }, /another|not exactly one|no |lifetime|issued/)
    }
  })

  test(`${preset}: claims that are text are refused as anything else`, async () => {
    for (const name of row.text)
      for (const wrong of [7, false, null, {}, ['x']])
        await refuses({ ...sample, [name]: wrong }, new RegExp(`${name} is not text`))
  })

  test(`${preset}: a token that is too old, or lives too long, is refused`, async () => {
    const at = (iat: number, lifetime: number) => ({ ...sample, iat, nbf: iat, exp: iat + lifetime })
    await refuses(at(start, row.maxLifetime + 1), /lifetime/)
    await verify(at(start, row.maxLifetime))
    if (row.maxLifetime > row.maxAge) {
      await verify(at(start - row.maxAge - 60, row.maxLifetime))
      await refuses(at(start - row.maxAge - 61, row.maxLifetime), /issued too long ago/)
    }
  })
}

test('a preset that needs a jti requires it as a claim', () => {
  for (const name of presetNames) {
    assert.equal(presets[name].required.includes('jti'), presets[name].jti === 'required', name)
  }
})

test('the job is what the platform says, and none where it says nothing', async () => {
  const jobs: Record<string, unknown> = {}
  for (const preset of presetNames) {
    const sample = platformClaims[preset]
    const settings = issuerSettings.parse({ preset, issuer: sample.iss, jwks: { keys: [key.jwk] } })
    const issuer = openOidcIssuer({ name: 'ci', settings, audience: ours, tools: fakeTools() })
    const { job } = await issuer.verify(parseCompact(signToken(key, sample)))
    jobs[preset] = job === undefined ? undefined : `${job.issuer} ${job.id ?? '-'} ${job.run ?? '-'}`
  }
  const [job, run] = ['0b7c5a52-3333-4f6e-8a70-6f1f2a3b4c03', '0b7c5a52-4444-4f6e-8a70-6f1f2a3b4c04']
  assert.deepEqual(jobs, {
    'github-actions': 'ci 72000000001 24700000001/1',
    gitlab: 'ci 990001 5501',
    buildkite: `ci ${job} -`,
    circleci: `ci ${job} ${run}`,
    bitbucket: `ci {${job}} {${run}}`,
    'azure-devops': 'ci - 31',
    terraform: 'ci - run-A1',
    kubernetes: undefined,
    google: undefined,
    aws: undefined,
    vercel: undefined,
    fly: undefined,
    semaphore: `ci ${job} ${run}`,
    codefresh: 'ci w1 -',
    buddy: undefined,
    forgejo: 'ci - 15',
    auth0: undefined,
    oidc: undefined,
  })
})

test('what only looks like the platform’s identity is refused', async () => {
  const people = { email: 'dana@acme.example', azp: 'app-1' }
  const bad: readonly [keyof typeof platformClaims, object, RegExp][] = [
    ['buildkite', { sub: '0b7c5a52-3333-4f6e-8a70-6f1f2a3b4c03' }, /a form that the job chose/],
    ['circleci', { 'oidc.circleci.com/ssh-rerun': true }, /shell/],
    ['circleci', { 'oidc.circleci.com/ssh-rerun': 'true' }, /shell/],
    ['terraform', { terraform_run_phase: 'destroy' }, /phase/],
    ['kubernetes', { sub: 'system:serviceaccount:build:other' }, /no service account/],
    ['kubernetes', { sub: 'system:node:a' }, /no service account/],
    ['kubernetes', { 'kubernetes.io': undefined }, /no service account/],
    ['kubernetes', { 'kubernetes.io': { namespace: 'build' } }, /no service account/],
    ['kubernetes', { 'kubernetes.io': [] }, /no service account/],
    ['google', people, /no service account/],
    ['google', { email: 'dana@iam.gserviceaccount.com.evil.example' }, /no service account/],
    ['google', { email_verified: 'true' }, /no service account/],
    ['google', { email_verified: false }, /no service account/],
    ['google', { email_verified: undefined }, /no service account/],
    ['aws', { 'https://sts.amazonaws.com/': undefined }, /no statement of AWS/],
    ['aws', { 'https://sts.amazonaws.com/': 'x' }, /no statement of AWS/],
    ['aws', { 'https://sts.amazonaws.com/': [] }, /no statement of AWS/],
    ['vercel', { environment: 'development' }, /development/],
    ['semaphore', { job_type: 'debug_job' }, /shell/],
  ]
  for (const [preset, changes, reason] of bad) {
    const sample = platformClaims[preset]
    const settings = issuerSettings.parse({ preset, issuer: sample.iss, jwks: { keys: [key.jwk] } })
    const issuer = openOidcIssuer({ name: 'ci', settings, audience: ours, tools: fakeTools() })
    const token = parseCompact(signToken(key, { ...sample, ...changes }))
    await assert.rejects(
      issuer.verify(token),
      (thrown) => thrown instanceof Failure && reason.test(thrown.reason),
    )
  }
})
