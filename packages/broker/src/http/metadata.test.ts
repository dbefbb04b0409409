import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { fakeDoors, listeningDoors } from '../../test/doors.ts'
import { discoveryDocument } from './metadata.ts'

test('both well-known paths give the same document, and it names the doors that are there', async () => {
  await using doors = await listeningDoors()
  const [one, two] = await Promise.all(
    ['openid-configuration', 'oauth-authorization-server'].map(async (name) => {
      const response = await fetch(`${doors.url}/.well-known/${name}`)
      assert.equal(response.headers.get('content-type'), 'application/json')
      return (await response.json()) as Record<string, unknown>
    }),
  )
  assert.deepEqual(one, two)
  assert.equal(one?.['issuer'], 'https://mayfly.example.com')
  assert.ok(Object.values(one ?? {}).every((value) => !Array.isArray(value) || value.length > 0))
  for (const name of ['token_endpoint', 'jwks_uri', 'introspection_endpoint', 'revocation_endpoint']) {
    const { pathname } = new URL(String(one?.[name]))
    assert.notEqual((await fetch(doors.url + pathname)).status, 404, name)
  }
})

test("openid-client accepts the document as its issuer's", async () => {
  const { doors } = fakeDoors()
  const config = await oidc.discovery(new URL(doors.url), 'ci', undefined, undefined, {
    [oidc.customFetch]: async () => Response.json(discoveryDocument(doors)),
  })
  assert.equal(config.serverMetadata().token_endpoint, 'https://mayfly.example.com/token')
})

test('keys are cached for minutes, and not sent again to whoever has them', async () => {
  await using doors = await listeningDoors()
  const url = `${doors.url}/.well-known/jwks.json`
  const first = await fetch(url)
  assert.equal(first.headers.get('cache-control'), 'public, max-age=300')
  assert.deepEqual(await first.json(), { keys: [{ kty: 'EC', kid: 'one' }] })
  const tag = first.headers.get('etag') ?? ''
  for (const held of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const again = await fetch(url, { headers: { 'If-None-Match': held } })
    assert.equal(again.status, 304, held)
    assert.equal(await again.text(), '')
  }
  assert.equal((await fetch(url, { headers: { 'If-None-Match': '"other"' } })).status, 200)
})
