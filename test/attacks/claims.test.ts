/** Claims with the right signature that must not be believed. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../packages/broker/src/config/load.ts'
import { presets } from '../../packages/broker/src/verify/issuers/presets.ts'
import { ours, start } from '../fakes/platform-claims.ts'
import { signTexts } from '../fakes/signing-key.ts'
import { githubClaims, githubScene, platformScene, refuses, rsaKey } from './verification.ts'

const { verifier, token } = githubScene()
const header = JSON.stringify({ alg: 'RS256', kid: rsaKey.kid })
/** Claims as text, with one value written as no JSON writer writes it. */
const written = (name: string, value: string) => {
  const { [name]: _, ...rest } = githubClaims()
  return signTexts(rsaKey, header, JSON.stringify(rest).replace(/^\{/, `{"${name}":${value},`))
}

test('A34 a token for another audience, for everybody’s or for none is refused', async () => {
  const others = [
    'sts.amazonaws.com',
    'sigstore',
    'https://github.com/acme',
    `${ours}/`,
    ours.toUpperCase(),
    ours.slice(0, -1),
    `${ours}.evil.example`,
    ` ${ours}`,
    `${ours},x`,
    '*',
    '',
    ['sigstore'],
  ]
  for (const aud of others) await refuses(verifier, token({ aud }), /another audience/)
  for (const aud of [7, null, true, { 0: ours, length: 1 }, undefined])
    await refuses(verifier, token({ aud }), /another audience/)
  for (const aud of [[], [[ours]], [[ours], 'x']]) await refuses(verifier, token({ aud }), /audience/)
})

test('A34 an audience that others use is refused when the broker is configured', async () => {
  for (const url of [
    'https://sts.amazonaws.com',
    'https://github.com/acme',
    'https://token.actions.githubusercontent.com',
    'https://gitlab.com',
    'https://sigstore.dev',
  ])
    assert.match(await configured(`url: ${url}`), /audience/, url)
  assert.equal(await configured(`url: ${ours}`), '')
})

test('A35 an audience among others is refused: each of them could present the token here', async () => {
  for (const aud of [
    [ours, 'x'],
    ['x', ours],
    [ours, ours],
    ['x', 'y', ours],
    [ours, null],
  ])
    await refuses(verifier, token({ aud }), /not exactly one audience/)
  await verifier.verify(token({ aud: [ours] }))
})

test('A36 a broker without an audience does not start', async () => {
  for (const line of ['', 'url: ""', 'url:', 'url: []', 'url: "*"'])
    assert.notEqual(await configured(line), '')
})

test('A44 a token lives no longer than its platform’s do, and is not used long after it was made', async () => {
  // GitHub gave tokens of six hours in 2025: their lifetime passes, their age does not.
  const scene = githubScene()
  const sixHours = scene.token({ exp: start + 21_600 })
  scene.tools.advance(600_000)
  await scene.verifier.verify(sixHours)
  scene.tools.advance(61_000)
  await refuses(scene.verifier, sixHours, /issued too long ago/)
  const year = 31_536_000
  for (const preset of ['kubernetes', 'buildkite', 'github-actions', 'gitlab'] as const) {
    const platform = platformScene(preset)
    await refuses(platform.verifier, platform.token({ exp: start + year }), /lifetime/)
    assert.ok(presets[preset].maxLifetime <= 86_400)
  }
  const strict = platformScene('github-actions', { max_age: '1m', max_lifetime: '5m' })
  await refuses(strict.verifier, strict.token({ exp: start + 301 }), /lifetime/)
  strict.tools.advance(121_000)
  await refuses(strict.verifier, strict.token(), /issued too long ago/)
})

test('A45 clocks may differ by a minute, and nbf may lie before iat', async () => {
  const at = (seconds: number) =>
    token({ iat: start + seconds, nbf: start + seconds, exp: start + seconds + 300 })
  await verifier.verify(at(30))
  await verifier.verify(at(60))
  await refuses(verifier, at(61), /not valid yet/)
  await refuses(verifier, at(120), /not valid yet/)
  for (const before of [300, 600]) await verifier.verify(token({ nbf: start - before }))
  await verifier.verify(token({ nbf: undefined }))
  const ended = (seconds: number) => token({ iat: start - 400, nbf: start - 400, exp: start - seconds })
  await verifier.verify(ended(30))
  await verifier.verify(ended(59))
  await refuses(verifier, ended(60), /expired/)
  await refuses(verifier, ended(120), /expired/)
})

test('A53 without iss, sub, aud, exp, iat or jti there is no identity', async () => {
  for (const name of ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'])
    for (const value of [undefined, null]) await refuses(verifier, token({ [name]: value }), /.+/)
  await refuses(verifier, signTexts(rsaKey, header, '{}'), /not configured/)
})

test('A54 times are whole numbers that are exact', async () => {
  for (const name of ['exp', 'iat', 'nbf']) {
    for (const value of ['1e400', '-1e400']) await refuses(verifier, written(name, value), /not finite/)
    for (const value of [
      `${start}.5`,
      `"${start}"`,
      '-1',
      '9007199254740993',
      '1e300',
      'true',
      '[]',
      '{}',
      '""',
    ])
      await refuses(verifier, written(name, value), /whole number|lifetime/)
  }
  for (const name of ['exp', 'iat', 'nbf']) await refuses(verifier, written(name, 'null'), /whole number/)
  await refuses(verifier, written('exp', '0'), /whole number/)
  for (const exp of [start, start - 1]) await refuses(verifier, token({ exp }), /lifetime/)
  for (const value of ['NaN', 'Infinity', '0x6ab1', '01', '1_0', '.5'])
    await refuses(verifier, written('exp', value), /not JSON/)
})

test('A55 a token from the future is refused', async () => {
  const later = { iat: start + 3600, exp: start + 3900 }
  await refuses(verifier, token(later), /issued in the future/)
  await refuses(verifier, token({ ...later, nbf: undefined }), /issued in the future/)
  await refuses(verifier, token({ iat: start + 61 }), /issued in the future/)
  await verifier.verify(token({ iat: start + 60 }))
})

test('A56 a claim of the wrong type is refused, never made to fit', async () => {
  const { required, text } = presets['github-actions']
  const wrong = [42, true, null, ['acme'], { a: 1 }, 0]
  for (const name of ['iss', 'sub', 'aud', ...required, ...text]) {
    for (const value of wrong)
      await refuses(verifier, token({ [name]: value }), /not configured|audience|no [a-z]|is not text/)
  }
})

test('A57 a number is no id, whole or not', async () => {
  for (const value of ['9001', '9001.9', '9007199254740993', '9007199254740992', '9001e0', '-0'])
    await refuses(verifier, written('repository_id', value), /no repository_id$/)
  const gitlab = platformScene('gitlab')
  await refuses(gitlab.verifier, gitlab.token({ project_id: 123.9 }), /no project_id$/)
})

test('A58 "false" stays text, and a boolean in its place is refused', async () => {
  const { claims } = await verifier.verify(token({ ref_protected: 'false' }))
  assert.equal(claims['ref_protected'], 'false')
  for (const value of [true, false])
    await refuses(verifier, token({ ref_protected: value }), /ref_protected is not text/)
  const google = platformScene('google')
  for (const value of ['true', 'false', 1])
    await refuses(google.verifier, google.token({ email_verified: value }), /no service account/)
})

test('A87 what real tokens have is accepted: spaces, brackets, long subjects, any letters', async () => {
  await verifier.verify(token({ sub: `repository:acme/shop:${'x'.repeat(600)}` }))
  await verifier.verify(token({ actor: 'dependabot[bot]', workflow: 'D\u00e9ploiement \u{1f680} (1 / 2)' }))
  await verifier.verify(token({ ref: '', environment: 'Production: EU' }))
})

/** What is wrong with a configuration that starts with `line`; nothing when it loads. */
async function configured(line: string): Promise<string> {
  const text = `${line}
store: { kind: sqlite, path: ./mayfly.db }
keys: { algorithm: ES256, rotate_every: 24h, encryption: { env: MASTER } }
issuers: { github: { preset: github-actions } }
`
  const readText = async () => text
  const env = { MASTER: 'm'.repeat(44) }
  const result = await loadConfig({ path: '/etc/mayfly/mayfly.yaml', readText, readFile: readText, env })
  return result.ok ? '' : result.problems.map((each) => each.message).join('\n')
}
