import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeTools, fakeTools } from '../../../../test/fakes/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/fakes/issuer.ts'
import { newSigningKey } from '../../../../test/fakes/signing-key.ts'
import { Failure } from '../base/failure.ts'
import { fetchDocument } from './fetch-document.ts'
import { RemoteKeys, staticKeys } from './jwks.ts'

const [one, two] = [newSigningKey('one', 'ES256'), newSigningKey('two', 'ES256')]
const minute = 60_000
const reach = { privateNetwork: false, loopbackHttp: true }

function keysOf(issuer: FakeIssuer, tools: FakeTools, jwksUri?: string): RemoteKeys {
  const uri = jwksUri === undefined ? {} : { jwksUri }
  const algorithms = ['RS256', 'ES256'] as const
  return new RemoteKeys({ issuer: issuer.url, ...uri, algorithms, reach, fetch: fetchDocument, tools })
}

async function has(keys: RemoteKeys, kid: string): Promise<boolean> {
  return (await keys.find(kid)) !== undefined
}

const unavailable = (keys: RemoteKeys, kid: string) =>
  assert.rejects(
    async () => keys.find(kid),
    (thrown) => thrown instanceof Failure && thrown.code === 'provider_unavailable',
  )

/** Reads the keys again for sure. */
const untilRead = async (issuer: FakeIssuer, count: number) => {
  await issuer.came(count)
  await issuer.quiet()
}

test('many tokens at once read the keys once', async () => {
  await using issuer = await startIssuer([one])
  const keys = keysOf(issuer, fakeTools())
  const found = await Promise.all(
    Array.from({ length: 200 }, (_, i) => has(keys, i % 2 === 0 ? 'one' : `no-${i}`)),
  )
  assert.equal(found.filter(Boolean).length, 100)
  assert.deepEqual(issuer.requests, ['/.well-known/openid-configuration', '/keys'])
})

test('nothing is read before somebody asks, and known keys are not read again for ten minutes', async () => {
  await using issuer = await startIssuer([one])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.equal(issuer.requests.length, 0)
  assert.ok(await has(keys, 'one'))
  tools.advance(10 * minute)
  assert.ok(await has(keys, 'one'))
  assert.equal(issuer.fetches(), 1)
  tools.advance(1)
  assert.ok(keys.find('one') !== undefined)
  await untilRead(issuer, 4)
  assert.equal(issuer.fetches(), 2)
})

test('a flood of unknown names reads once in 30 s, and a new key is found right after', async () => {
  await using issuer = await startIssuer([one])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.ok(await has(keys, 'one'))
  for (let i = 0; i < 300; i++) assert.equal(await has(keys, `flood-${i}`), false)
  issuer.keys = [one, two]
  assert.equal(await has(keys, 'two'), false)
  tools.advance(29_999)
  assert.equal(await has(keys, 'two'), false)
  assert.equal(issuer.fetches(), 1)
  tools.advance(1)
  assert.ok(await has(keys, 'two'))
  assert.equal(issuer.fetches(), 2)
  assert.ok(await has(keys, 'one'))
})

test('a key that the issuer took back is gone after the next reading', async () => {
  await using issuer = await startIssuer([one, two])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.ok(await has(keys, 'one'))
  issuer.keys = [two]
  tools.advance(30_000)
  assert.equal(await has(keys, 'unknown'), false)
  assert.equal(await has(keys, 'one'), false)
})

test('after an idle hour a key that the issuer took back is not believed once more', async () => {
  await using issuer = await startIssuer([one, two])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.ok(await has(keys, 'one'))
  issuer.keys = [two]
  tools.advance(60 * minute + 1)
  assert.deepEqual(await Promise.all([has(keys, 'one'), has(keys, 'two')]), [false, true])
})

test('a slow issuer does not hold up tokens of known keys', async () => {
  await using issuer = await startIssuer([one])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.ok(await has(keys, 'one'))
  issuer.fault = 'held'
  issuer.keys = [one, two]
  tools.advance(11 * minute)
  assert.ok(!(keys.find('one') instanceof Promise))
  await issuer.came(3)
  assert.ok(!(keys.find('one') instanceof Promise), 'also while it is being asked')
  const waiting = has(keys, 'two')
  assert.ok(!(keys.find('one') instanceof Promise), 'also while somebody waits for another')
  issuer.release()
  assert.ok(await waiting)
  assert.equal(issuer.fetches(), 2)
})

test('without keys and without an issuer nobody is believed, and it is asked again after 5 s', async () => {
  await using issuer = await startIssuer([one])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  for (const fault of ['down', 'failing'] as const) {
    issuer.fault = fault
    await unavailable(keys, 'one')
    tools.advance(5000)
  }
  assert.equal(issuer.requests.length, 2)
  await unavailable(keys, 'one')
  issuer.fault = undefined
  tools.advance(4999)
  await unavailable(keys, 'one')
  assert.equal(issuer.requests.length, 3)
  tools.advance(1)
  assert.ok(await has(keys, 'one'))
  tools.advance(5000)
  assert.equal(await has(keys, 'two'), false, 'unknown is unknown again')
  assert.equal(issuer.fetches(), 1)
})

test('while the issuer is away known keys live on for a day, unknown ones do not pass as unknown', async () => {
  await using issuer = await startIssuer([one])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.ok(await has(keys, 'one'))
  issuer.fault = 'down'
  for (let hour = 1; hour <= 24; hour++) {
    tools.advance(60 * minute)
    assert.ok(!(keys.find('one') instanceof Promise), `after ${hour} h`)
    await untilRead(issuer, 2 + hour)
  }
  await unavailable(keys, 'two')
  tools.advance(1)
  await unavailable(keys, 'one')
  issuer.fault = undefined
  tools.advance(5000)
  assert.ok(await has(keys, 'one'))
})

test('an issuer that answers nonsense leaves the keys as they were', async () => {
  await using issuer = await startIssuer([one])
  const tools = fakeTools()
  const keys = keysOf(issuer, tools)
  assert.ok(await has(keys, 'one'))
  for (const jwks of [
    { keys: [] },
    {},
    [],
    null,
    { keys: 'x' },
    { keys: [{ kty: 'oct', k: 'AA', kid: 'one' }] },
  ]) {
    issuer.jwks = jwks ?? 'null'
    tools.advance(11 * minute)
    const before = issuer.requests.length
    assert.ok(await has(keys, 'one'))
    await untilRead(issuer, before + 2)
    assert.ok(await has(keys, 'one'))
  }
})

test('a configured address of the keys skips discovery', async () => {
  await using issuer = await startIssuer([one])
  const keys = keysOf(issuer, fakeTools(), `${issuer.url}/keys`)
  assert.ok(await has(keys, 'one'))
  assert.deepEqual(issuer.requests, ['/keys'])
})

test('a failure to read keys is logged with the issuer and its cause', async () => {
  await using issuer = await startIssuer([one])
  issuer.fault = 'failing'
  const warned: unknown[] = []
  const quiet = { debug() {}, info() {}, error() {} }
  const log = { ...quiet, warn: (_: string, fields?: object) => void warned.push(fields) }
  const keys = keysOf(issuer, fakeTools(undefined, log))
  await unavailable(keys, 'one')
  assert.equal(warned.length, 1)
  assert.equal((warned[0] as { issuer: string }).issuer, issuer.url)
})

test('keys of the configuration are used as they are, and none is a mistake', () => {
  assert.ok(staticKeys({ keys: [one.jwk] }, ['ES256']).find('one'))
  assert.equal(staticKeys({ keys: [one.jwk] }, ['ES256']).find('two'), undefined)
  for (const jwks of [{ keys: [] }, undefined, { keys: [one.jwk, one.jwk] }])
    assert.throws(() => staticKeys(jwks, ['ES256']), TypeError)
  assert.throws(() => staticKeys({ keys: [one.jwk] }, ['RS256']), TypeError)
})
