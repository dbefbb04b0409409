/** Tokens that the broker refuses, at the exported Auth0 Action: it believes the same tokens, no other and no fewer. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import { exportAction } from '../../packages/cli/src/auth0/export.ts'
import { policyOf } from '../../packages/policy/test/fixture.ts'
import { auth0Tenant } from '../fakes/auth0-tenant.ts'
import { ours, start } from '../fakes/platform-claims.ts'
import { newSigningKey, part, signTexts, signToken } from '../fakes/signing-key.ts'
import { githubClaims, githubScene, githubUrl, rsaKey } from './verification.ts'

const policy = policyOf(`version: 1
issuers: { github: { owners: [acme] } }
targets: { orders: { tier: shared, access: read, token: { audience: https://orders.acme.example } } }
grants: [{ name: main, who: { repo: acme/web, branch: main }, get: orders, for: 10m }]
`)
const runtime = readFileSync('packages/cli/assets/auth0-action.js', 'utf8')
const settings = { audience: ours, issuers: { github: githubUrl }, connection: 'workloads' }
const { action } = exportAction(policy, { ...settings, subjectTokenType: 'urn:mayfly:job-token' }, runtime)

test('a token is believed exactly when the broker believes it', async (context) => {
  const { verifier } = githubScene()
  const tenant = auth0Tenant(action, [rsaKey], () => start * 1000)
  const counted = { believed: 0, refused: 0 }
  for (const [what, text] of spoiledTokens()) {
    const broker = await verifier.verify(text).then(
      () => true,
      (thrown: unknown) => {
        assert.ok(thrown instanceof Failure && thrown.code === 'subject_token_invalid', what)
        return false
      },
    )
    tenant.cache.delete('spent')
    const [[done] = []] = await tenant.run(text, 'https://orders.acme.example')
    assert.equal(done !== 'reject', broker, what)
    counted[broker ? 'believed' : 'refused']++
  }
  context.diagnostic(JSON.stringify(counted))
  assert.ok(counted.believed > 20 && counted.refused > 200, JSON.stringify(counted))
})

/** One good token, and everything that one change makes of it. */
function* spoiledTokens(): Generator<readonly [what: string, token: string]> {
  const good = githubClaims()
  const values = [
    undefined,
    null,
    0,
    1,
    -1,
    1.5,
    true,
    '',
    'x',
    [],
    {},
    [ours],
    [ours, 'x'],
    ' ',
    'x'.repeat(2000),
  ]
  for (const name of [...Object.keys(good), 'repo_property_team', 'environment'])
    for (const value of values)
      yield [`${name}: ${JSON.stringify(value)?.slice(0, 20)}`, signToken(rsaKey, { ...good, [name]: value })]
  for (const name of ['exp', 'iat', 'nbf'])
    for (const away of [
      -90_000, -1000, -661, -659, -361, -359, -61, -59, 0, 59, 61, 300, 21_599, 21_700, 1e9,
    ])
      yield [`${name} ${away}`, signToken(rsaKey, { ...good, [name]: start + away })]
  for (const alg of ['none', 'None', 'HS256', 'RS384', 'PS256', 'ES256', 'rs256', '', null, 1, undefined])
    yield [`alg ${alg}`, signToken(rsaKey, good, { alg })]
  for (const kid of ['other', '', null, 1, undefined, 'x'.repeat(200)])
    yield [`kid ${kid}`, signToken(rsaKey, good, { kid })]
  for (const typ of ['jwt', 'at+jwt', '', 1, null, undefined])
    yield [`typ ${typ}`, signToken(rsaKey, good, { typ })]
  for (const name of ['crit', 'jwk', 'jku', 'x5u', 'x5c', 'b64', 'cty', 'zip'])
    yield [name, signToken(rsaKey, good, { [name]: name === 'jwk' ? rsaKey.jwk : ['x'] })]
  yield ['another key', signToken(newSigningKey(rsaKey.kid), good)]
  const [text, header] = [JSON.stringify(good), JSON.stringify({ alg: 'RS256', kid: rsaKey.kid })]
  yield ['a member twice', signTexts(rsaKey, header, text.replace('{', '{"repository_id":"1",'))]
  yield ['a list', signTexts(rsaKey, header, `[${text}]`)]
  yield ['no UTF-8', signTexts(rsaKey, header, Buffer.from([0x7b, 0xff, 0x7d]))]
  yield ['a prototype', signTexts(rsaKey, header, text.replace('{', '{"__proto__":{},'))]
  yield* respelled(signToken(rsaKey, good))
}

function* respelled(token: string): Generator<readonly [what: string, token: string]> {
  const [head = '', body = '', signature = ''] = token.split('.')
  yield ['as it is', token]
  yield ['no signature', `${head}.${body}.`]
  yield ['another body', `${head}.${part('{}')}.${signature}`]
  yield ['padded', `${token}==`]
  yield ['four parts', `${token}.x`]
  yield ['a space', ` ${token}`]
  yield ['a line', `${token}\n`]
  yield ['huge', `${'a'.repeat(20_000)}.a.a`]
  yield ['nothing', '']
  for (const letter of 'ABCDEFGHQRSTUVWXgw') yield [`ends in ${letter}`, `${token.slice(0, -1)}${letter}`]
}
