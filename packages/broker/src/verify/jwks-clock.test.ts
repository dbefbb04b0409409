import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSigningKey } from '../../../../test/fakes/signing-key.ts'
import { silent } from '../base/tools.ts'
import { RemoteKeys } from './jwks.ts'

const hour = 3_600_000

test('a clock that is set back does not stop keys from being read again', async () => {
  let now = 1_790_000_000_000
  let published = newSigningKey('key-1')
  const keys = new RemoteKeys({
    issuer: 'https://issuer.example',
    jwksUri: 'https://issuer.example/keys',
    algorithms: ['RS256'],
    reach: { privateNetwork: false, loopbackHttp: false },
    tools: { now: () => now, log: silent },
    fetch: async () => ({ keys: [published.jwk] }),
  })
  assert.ok(await keys.find('key-1'))
  now -= 48 * hour
  published = newSigningKey('key-2')
  assert.ok(await keys.find('key-2'), 'the rotation is seen')
  assert.equal(await keys.find('key-1'), undefined)
})
