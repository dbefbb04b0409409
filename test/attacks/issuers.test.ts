/** Tokens of the right signer that are still no identity, or somebody else's. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSubjectVerifier } from '../../packages/broker/src/verify/subject.ts'
import { fakeTools } from '../fakes/clock.ts'
import { ours, platformClaims, start } from '../fakes/platform-claims.ts'
import { newSigningKey, signToken } from '../fakes/signing-key.ts'
import {
  githubClaims,
  githubScene,
  githubUrl,
  issuerWith,
  platformScene,
  refuses,
  rsaKey,
} from './verification.ts'

const jwks = { keys: [rsaKey.jwk] }

/** A job's request token: GitHub's issuer and key, but not an identity (gh-90). */
const requestToken = {
  iss: githubUrl,
  aud: 'vso:0b7c5a52-6666-4f6e-8a70-6f1f2a3b4c06',
  nameid: 'dddddddd-dddd-dddd-dddd-dddddddddddd',
  scp: 'Actions.GenericRead:0b7c5a52 Actions.Results:0b7c5a52:1',
  IdentityTypeClaim: 'System:ServiceIdentity',
  orchid: '0b7c5a52.deploy.__default',
  oidc_sub: 'repo:acme/shop:ref:refs/heads/main',
  oidc_extra: JSON.stringify({ ...githubClaims(), iss: undefined }),
  repository_id: '9001',
  nbf: start - 300,
  iat: start,
  exp: start + 22_200,
}

test('A01 the token with which a job asks for its token is no identity', async () => {
  const { verifier } = githubScene()
  const token = (changes: object) => signToken(rsaKey, { ...requestToken, ...changes })
  await refuses(verifier, token({}), /another audience/)
  const ourAudience = { aud: ours }
  await refuses(verifier, token(ourAudience), /lifetime/)
  await refuses(verifier, token({ ...ourAudience, exp: start + 300 }), /no sub$/)
  await refuses(verifier, token({ ...ourAudience, exp: start + 300, sub: requestToken.oidc_sub }), /no jti$/)
  await refuses(
    verifier,
    token({ ...ourAudience, exp: start + 300, sub: requestToken.oidc_sub, jti: 'x' }),
    /no repository$/,
  )
})

test('A09 a CircleCI build shows where its source came from, or is nobody', async () => {
  const { verifier, token } = platformScene('circleci')
  for (const name of ['vcs-origin', 'vcs-ref', 'project-id', 'org-id']) {
    for (const value of [undefined, '', null, ['github.com/acme/shop'], false])
      await refuses(
        verifier,
        token({ [`oidc.circleci.com/${name}`]: value }),
        new RegExp(`no oidc.*${name}$`),
      )
  }
  const fork = { 'oidc.circleci.com/vcs-origin': 'github.com/stranger/shop' }
  const { claims } = await verifier.verify(token(fork))
  assert.equal(claims['oidc.circleci.com/vcs-origin'], 'github.com/stranger/shop', 'policies see the fork')
})

test('A11 a GitLab project that was registered again has other ids, and without ids it is nobody', async () => {
  const { verifier, token } = platformScene('gitlab')
  for (const name of ['project_id', 'namespace_id', 'project_path']) {
    for (const value of [undefined, '', null, 12])
      await refuses(verifier, token({ [name]: value }), new RegExp(`no ${name}$`))
  }
  const { claims } = await verifier.verify(token({ namespace_id: '13' }))
  assert.equal(claims['namespace_id'], '13')
})

test('A30 the same claims from another issuer are another identity', async () => {
  const tools = fakeTools()
  const other = newSigningKey('other')
  const ghes = 'https://github.acme.example/_services/token'
  const verifier = openSubjectVerifier(
    [
      issuerWith({ preset: 'github-actions', jwks }, tools, { name: 'github' }),
      issuerWith({ preset: 'github-actions', issuer: ghes, jwks: { keys: [other.jwk] } }, tools, {
        name: 'ghes',
      }),
      issuerWith(
        { preset: 'forgejo', issuer: platformClaims.forgejo.iss, jwks: { keys: [other.jwk] } },
        tools,
        { name: 'forgejo' },
      ),
    ],
    { url: ours },
  )
  const names = new Map<string, string>()
  for (const [key, iss] of [
    [rsaKey, githubUrl],
    [other, ghes],
    [other, platformClaims.forgejo.iss],
  ] as const) {
    const principal = await verifier.verify(signToken(key, githubClaims({ iss })))
    assert.equal(principal.iss, iss)
    names.set(principal.issuer, principal.replayKey)
  }
  assert.deepEqual([...names.keys()], ['github', 'ghes', 'forgejo'])
  assert.equal(new Set(names.values()).size, 3)
  await refuses(verifier, signToken(other, githubClaims()), /github: a key that the issuer does not have/)
  await refuses(verifier, signToken({ ...other, kid: rsaKey.kid }, githubClaims()), /github: the signature/)
})

test('A31 an issuer that starts like ours, ends in a slash or differs in case is another', async () => {
  const { verifier, token } = githubScene()
  const others = [
    `${githubUrl}/acme`,
    `${githubUrl}/`,
    `${githubUrl}.evil.example`,
    `${githubUrl}:443`,
    `${githubUrl}?`,
    `${githubUrl}#`,
    ` ${githubUrl}`,
    githubUrl.toUpperCase(),
    githubUrl.replace('token', 'Token'),
    githubUrl.replace('https', 'HTTPS'),
    githubUrl.replace('https', 'http'),
    githubUrl.replace('.com', '.com.'),
    githubUrl.replace('https://', 'https://x@'),
    githubUrl.replace('actions', '%61ctions'),
    '',
    null,
    7,
    [githubUrl],
    { toString: githubUrl },
    undefined,
  ]
  for (const iss of others) await refuses(verifier, token({ iss }), /issuer that is not configured/)
})

test('A32 a Buildkite job cannot choose the form of its subject, nor a long life', async () => {
  const { verifier, token } = platformScene('buildkite')
  for (const sub of [
    '0b7c5a52-3333-4f6e-8a70-6f1f2a3b4c03',
    'pipeline:shop',
    'xorganization:acme',
    ' organization:a',
  ])
    await refuses(verifier, token({ sub }), /a form that the job chose/)
  await refuses(verifier, token({ exp: start + 86_400 }), /lifetime/)
  const circle = platformScene('circleci')
  await refuses(circle.verifier, circle.token({ iss: 'https://oidc.circleci.com' }), /not configured/)
  assert.throws(
    () => platformScene('circleci', { issuer: 'https://oidc.circleci.com' }),
    /no issuer of preset/,
  )
  assert.throws(() => platformScene('vercel', { issuer: 'https://oidc.vercel.com' }), /no issuer of preset/)
})

test('A33 a Terraform run shows its phase, which policies can ask about', async () => {
  const { verifier, token } = platformScene('terraform')
  for (const phase of [undefined, '', null, true, ['apply']])
    await refuses(verifier, token({ terraform_run_phase: phase }), /no terraform_run_phase$/)
  for (const phase of ['Apply', 'apply ', 'plan,apply', 'destroy'])
    await refuses(verifier, token({ terraform_run_phase: phase }), /unknown phase/)
  const { claims } = await verifier.verify(token({ terraform_run_phase: 'plan' }))
  assert.equal(claims['terraform_run_phase'], 'plan')
})

test('A37 where everybody shares an audience a token has a jti, and one token one replay key', async () => {
  for (const preset of ['azure-devops', 'semaphore'] as const) {
    const { verifier, token } = platformScene(preset)
    await refuses(verifier, token({ jti: undefined }), /no jti$/)
    await refuses(verifier, token({ aud: ours }), /another audience/)
    const [one, again] = [await verifier.verify(token()), await verifier.verify(token({ extra: 1 }))]
    assert.equal(one.replayKey, again.replayKey)
  }
  const { verifier, token } = platformScene('codefresh')
  await refuses(verifier, token({ aud: ours }), /another audience/)
})

test('A40 a token without a jti is spent by its bytes', async () => {
  for (const preset of ['forgejo', 'codefresh'] as const) {
    const { verifier, token } = platformScene(preset)
    const made = token()
    const key = (await verifier.verify(made)).replayKey
    assert.equal((await verifier.verify(made)).replayKey, key)
    assert.notEqual((await verifier.verify(token({ extra: 1 }))).replayKey, key)
    await refuses(verifier, token({ jti: '' }), /no jti$/)
    await refuses(verifier, token({ jti: null }), /no jti$/)
    await refuses(verifier, token({ jti: 5 }), /no jti$/)
  }
})

test('A41 two issuers with one jti do not burn each other’s tokens', async () => {
  const keyOf = async (preset: 'github-actions' | 'gitlab', jti: string) => {
    const { verifier, token } = platformScene(preset)
    return (await verifier.verify(token({ jti }))).replayKey
  }
  assert.notEqual(await keyOf('github-actions', 'one'), await keyOf('gitlab', 'one'))
  assert.equal(await keyOf('gitlab', 'one'), await keyOf('gitlab', 'one'))
  assert.notEqual(await keyOf('gitlab', 'one'), await keyOf('gitlab', 'two'))
  const { verifier, token } = githubScene()
  await refuses(verifier, token({ jti: 'x'.repeat(257) }), /jti is too long/)
})

test('A63 our own tokens are nobody’s identity, also where we are configured as an issuer', async () => {
  const tools = fakeTools()
  const { iss: _, ...claims } = platformClaims.gitlab
  const gitlab = issuerWith({ preset: 'gitlab', issuer: ours, jwks }, tools)
  const verifier = openSubjectVerifier([gitlab], { url: ours })
  await refuses(verifier, signToken(rsaKey, { ...claims, iss: ours }), /a token of this broker/)
})

test('A66 a token of an issuer that nobody configured reaches no network', async () => {
  // The issuer has to fetch its keys, and whoever fetches fails the test.
  const issuer = issuerWith({ preset: 'github-actions' }, fakeTools())
  const verifier = openSubjectVerifier([issuer], { url: ours })
  for (const iss of [
    'http://169.254.169.254',
    'https://evil.example',
    'file:///etc/passwd',
    'http://[::1]:80/',
    ours,
  ])
    await refuses(verifier, signToken(rsaKey, githubClaims({ iss })), /not configured|this broker/)
  for (const broken of [
    { aud: 'other' },
    { exp: start - 100, iat: start - 200 },
    { sub: undefined },
    { jti: undefined },
  ])
    await refuses(verifier, signToken(rsaKey, githubClaims(broken)), /^ci: /)
  await refuses(verifier, signToken(rsaKey, githubClaims(), { alg: 'none' }), /algorithm/)
})

test('A76 a key of one issuer does not verify another’s tokens, also under the same name', async () => {
  const tools = fakeTools()
  const [mine, theirs] = [newSigningKey('same'), newSigningKey('same')]
  const verifier = openSubjectVerifier(
    [
      issuerWith({ preset: 'github-actions', jwks: { keys: [mine.jwk] } }, tools, { name: 'github' }),
      issuerWith({ preset: 'gitlab', jwks: { keys: [theirs.jwk] } }, tools, { name: 'gitlab' }),
    ],
    { url: ours },
  )
  await verifier.verify(signToken(mine, githubClaims()))
  await verifier.verify(signToken(theirs, platformClaims.gitlab))
  await refuses(verifier, signToken(theirs, githubClaims()), /github: the signature is wrong/)
  await refuses(verifier, signToken(mine, platformClaims.gitlab), /gitlab: the signature is wrong/)
})

test('two issuers that accept one token are a fault, and none is a broker that believes nobody', async () => {
  const tools = fakeTools()
  const twice = [1, 2].map((i) => issuerWith({ preset: 'github-actions', jwks }, tools, { name: `ci${i}` }))
  const verifier = openSubjectVerifier(twice, { url: ours })
  await refuses(verifier, signToken(rsaKey, githubClaims()), /more than one issuer/)
  assert.throws(() => openSubjectVerifier([], { url: ours }), TypeError)
})
