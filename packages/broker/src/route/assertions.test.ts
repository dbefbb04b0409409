import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAssertions } from './assertions.ts'

test('an assertion is given again for half a minute, to the same lease, scopes and upstream, and never outlives the permission', () => {
  let now = 1_000_000
  const signed: object[] = []
  const assertion = openAssertions(
    {
      assert: (claims) => {
        signed.push(claims)
        return `signed ${signed.length}`
      },
      tools: { now: () => now },
    },
    100,
  )
  const who = { leaseId: 'ls_1', subject: 'github:a', scopes: ['read'], expiresAt: 1_070 }
  assert.equal(assertion(who, 'https://a.example'), 'signed 1')
  assert.deepEqual(signed[0], {
    ...{ sub: 'github:a', aud: 'https://a.example', iat: 1_000, exp: 1_060, lease: 'ls_1', scope: 'read' },
  })
  now += 29_999
  assert.equal(assertion(who, 'https://a.example'), 'signed 1')
  assert.equal(assertion(who, 'https://b.example'), 'signed 2')
  assert.equal(assertion({ ...who, leaseId: 'ls_2' }, 'https://a.example'), 'signed 3')
  assert.equal(assertion({ ...who, scopes: ['write'] }, 'https://a.example'), 'signed 4')
  now += 1
  assert.equal(assertion(who, 'https://a.example'), 'signed 5')
  assert.deepEqual((signed[4] as { exp: number }).exp, 1_070)
})
