/** Issuers that lead us elsewhere, or never end. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import { documentLimits, fetchDocument } from '../../packages/broker/src/verify/fetch-document.ts'
import { RemoteKeys } from '../../packages/broker/src/verify/jwks.ts'
import { openSubjectVerifier } from '../../packages/broker/src/verify/subject.ts'
import { fakeTools } from '../fakes/clock.ts'
import { type FakeIssuer, startIssuer } from '../fakes/issuer.ts'
import { ours } from '../fakes/platform-claims.ts'
import { signToken } from '../fakes/signing-key.ts'
import { githubClaims, issuerWith, refuses, rsaKey } from './verification.ts'

const onlyPublic = { privateNetwork: false, loopbackHttp: false }
const loopback = { privateNetwork: false, loopbackHttp: true }
const short = { ...documentLimits, milliseconds: 150 }

/** The issuer's token is not believed, because its keys cannot be had. */
async function isUnavailable(issuer: FakeIssuer, settings = {}): Promise<void> {
  const full = { preset: 'github-actions', issuer: issuer.url, dangerously_allow_http: true, ...settings }
  const opened = issuerWith(full, fakeTools(), { fetch: fetchDocument })
  const verifier = openSubjectVerifier([opened], { url: ours })
  await assert.rejects(
    verifier.verify(signToken(rsaKey, githubClaims({ iss: issuer.url }))),
    (thrown) => thrown instanceof Failure && thrown.code === 'provider_unavailable',
  )
}

test('A66 a token of an issuer that runs, but that nobody configured, does not reach it', async () => {
  await using issuer = await startIssuer([rsaKey])
  await using stranger = await startIssuer([rsaKey])
  const settings = { preset: 'github-actions', issuer: issuer.url, dangerously_allow_http: true }
  const opened = issuerWith(settings, fakeTools(), { fetch: fetchDocument })
  const verifier = openSubjectVerifier([opened], { url: ours })
  await verifier.verify(signToken(rsaKey, githubClaims({ iss: issuer.url })))
  for (const iss of [
    stranger.url,
    `${stranger.url}#${issuer.url}`,
    `${issuer.url}@${new URL(stranger.url).host}`,
  ])
    await refuses(verifier, signToken(rsaKey, githubClaims({ iss })), /not configured/)
  assert.equal(stranger.connections(), 0)
})

test('A68 redirects are not followed, neither of discovery nor of the keys', async () => {
  await using issuer = await startIssuer([rsaKey])
  await using stranger = await startIssuer([rsaKey])
  for (const target of [
    `${stranger.url}/keys`,
    'http://169.254.169.254/latest',
    '/keys',
    `${issuer.url}/keys`,
  ]) {
    issuer.redirect = target
    await isUnavailable(issuer)
    await isUnavailable(issuer, { jwks_uri: `${issuer.url}/keys` })
  }
  assert.equal(issuer.requests.length, 8)
  assert.equal(stranger.connections(), 0)
})

test('A68 keys on another host, port or scheme are not fetched', async () => {
  await using issuer = await startIssuer([rsaKey])
  await using stranger = await startIssuer([rsaKey])
  const port = new URL(issuer.url).port
  const places = [
    `${stranger.url}/keys`,
    `http://localhost:${port}/keys`,
    `https://127.0.0.1:${port}/keys`,
    `http://user@127.0.0.1:${port}/keys`,
    `http://127.0.0.1:${port}@${new URL(stranger.url).host}/keys`,
    'http://169.254.169.254/keys',
    'file:///etc/passwd',
    'data:application/json,{}',
    '/keys',
    '',
    undefined,
    null,
    { href: `${issuer.url}/keys` },
    [],
  ]
  for (const place of places) {
    issuer.discovery = { jwks_uri: place }
    await isUnavailable(issuer)
  }
  assert.equal(issuer.fetches(), 0)
  assert.equal(stranger.connections(), 0)
})

test('A68 a platform may have its keys on a host that we know, by https only', async () => {
  const found = async (jwksUri: string) => {
    const asked: string[] = []
    const keys = new RemoteKeys({
      issuer: 'https://accounts.google.com',
      keyHosts: ['www.googleapis.com'],
      algorithms: ['RS256'],
      reach: onlyPublic,
      fetch: async (url) => {
        asked.push(url.href)
        const discovery = { issuer: 'https://accounts.google.com', jwks_uri: jwksUri }
        return asked.length === 1 ? discovery : { keys: [rsaKey.jwk] }
      },
      tools: fakeTools(),
    })
    const key = await Promise.resolve(keys.find(rsaKey.kid)).catch(() => undefined)
    return { key, asked: asked.slice(1) }
  }
  const known = 'https://www.googleapis.com/oauth2/v3/certs'
  assert.deepEqual((await found(known)).asked, [known])
  assert.ok((await found(known)).key !== undefined)
  for (const other of [
    known.replace('https', 'http'),
    'https://www.googleapis.com:8443/oauth2/v3/certs',
    'https://www.googleapis.com.evil.example/',
    'https://evil.example/www.googleapis.com',
    'https://googleapis.com/',
  ]) {
    assert.deepEqual(await found(other), { key: undefined, asked: [] }, other)
  }
})

test('A68 an address that is not public is not connected to, by name or literally', async () => {
  await using issuer = await startIssuer([rsaKey])
  const { port } = new URL(issuer.url)
  const hosts = [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '127.1',
  ]
  for (const host of hosts) {
    await assert.rejects(
      fetchDocument(new URL(`https://${host}:${port}/keys`), onlyPublic),
      /not allowed/,
      host,
    )
    await assert.rejects(
      fetchDocument(new URL(`http://${host}:${port}/keys`), onlyPublic),
      /not allowed|not https/,
    )
  }
  for (const address of ['169.254.169.254', '10.0.0.1', '[fd00::1]', '[fe80::1]', '[64:ff9b::a9fe:a9fe]']) {
    await assert.rejects(fetchDocument(new URL(`https://${address}/`), loopback), /not allowed/, address)
    await assert.rejects(
      fetchDocument(new URL(`http://${address}/`), loopback),
      /not allowed|not https/,
      address,
    )
  }
  assert.equal(issuer.connections(), 0)
})

test('A68 plain http and the private network are two permissions', async () => {
  await using issuer = await startIssuer([rsaKey])
  const inside = { privateNetwork: true, loopbackHttp: false }
  await assert.rejects(fetchDocument(new URL(`${issuer.url}/keys`), inside), /not https/)
  assert.equal(issuer.connections(), 0)
  const tls = new URL(`${issuer.url}/keys`.replace('http', 'https'))
  await assert.rejects(fetchDocument(tls, inside), /SSL|TLS|EPROTO|packet/i)
  assert.equal(issuer.connections(), 1, 'it was connected to, and spoke no TLS')
  for (const url of [
    'ftp://127.0.0.1/',
    'file:///etc/hosts',
    'http://example.com/',
    'http://localhost.example/',
  ])
    await assert.rejects(fetchDocument(new URL(url), { privateNetwork: true, loopbackHttp: true }), TypeError)
  const credentials = new URL(`${issuer.url.replace('//', '//user:password@')}/keys`)
  await assert.rejects(fetchDocument(credentials, loopback), /credentials/)
  const byName = new URL(`${issuer.url.replace('127.0.0.1', 'localhost')}/keys`)
  for (const url of [byName, new URL(`${issuer.url}/keys`)])
    assert.deepEqual(await fetchDocument(url, loopback), { keys: [rsaKey.jwk] })
})

test('A68 an issuer reaches inwards only where its own settings say so', async () => {
  await using stranger = await startIssuer([rsaKey])
  const issuer = 'https://github.acme.example/_services/token'
  const tls = stranger.url.replace('http', 'https')
  const reached = async (settings: object) => {
    const before = stranger.connections()
    const opened = issuerWith({ preset: 'github-actions', issuer, ...settings }, fakeTools(), {
      fetch: fetchDocument,
    })
    const verifier = openSubjectVerifier([opened], { url: ours })
    await assert.rejects(verifier.verify(signToken(rsaKey, githubClaims({ iss: issuer, aud: 'x' }))))
    await verifier.verify(signToken(rsaKey, githubClaims({ iss: issuer }))).catch(() => undefined)
    return stranger.connections() > before
  }
  assert.equal(await reached({ jwks_uri: `${tls}/keys` }), false)
  assert.equal(await reached({ jwks_uri: `${stranger.url}/keys` }), false)
  assert.equal(await reached({ jwks_uri: `${stranger.url}/keys`, private_network: true }), false)
  assert.equal(await reached({ jwks_uri: `${tls}/keys`, private_network: true }), true)
  assert.equal(await reached({ jwks_uri: `${stranger.url}/keys`, dangerously_allow_http: true }), true)
})

test('A69 a discovery document of another issuer is refused', async () => {
  await using issuer = await startIssuer([rsaKey])
  const { url } = issuer
  const others = [
    `${url}/`,
    `${url}/x`,
    url.toUpperCase(),
    'https://token.actions.githubusercontent.com',
    '',
    null,
    [url],
    undefined,
  ]
  for (const other of others) {
    issuer.discovery = { issuer: other }
    await isUnavailable(issuer)
  }
  assert.equal(issuer.fetches(), 0)
})

test('A70 a document without end is cut off at 100 KiB', async () => {
  await using issuer = await startIssuer([rsaKey])
  issuer.fault = 'endless'
  await assert.rejects(fetchDocument(new URL(`${issuer.url}/keys`), loopback), /larger than any/)
  await issuer.quiet()
  assert.ok(issuer.sent() < 20_000_000, `took ${issuer.sent()}`)
  issuer.fault = undefined
  issuer.jwks = { keys: [rsaKey.jwk], padding: 'x'.repeat(documentLimits.bytes) }
  await isUnavailable(issuer)
  await issuer.quiet()
})

test('A70 a document that comes slowly, or never, is given up as a whole', async () => {
  assert.equal(documentLimits.milliseconds, 5000)
  await using issuer = await startIssuer([rsaKey])
  for (const fault of ['dripping', 'held'] as const) {
    issuer.fault = fault
    await assert.rejects(
      fetchDocument(new URL(`${issuer.url}/keys`), loopback, short),
      /took too long|aborted/,
    )
    await issuer.quiet()
  }
})

test('A70 what is no JSON document is none', async () => {
  await using issuer = await startIssuer([rsaKey])
  for (const fault of ['down', 'failing'] as const) {
    issuer.fault = fault
    await assert.rejects(fetchDocument(new URL(`${issuer.url}/keys`), loopback))
  }
  issuer.fault = undefined
  await assert.rejects(fetchDocument(new URL(`${issuer.url}/none`), loopback), /answered 404/)
})
