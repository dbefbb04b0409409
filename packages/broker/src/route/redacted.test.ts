import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { queryNames, redactedName, redactedPath } from './redacted.ts'

const kept = [
  '/orders',
  '/orders/42/lines/7',
  '/v1/users/7c0c2ca0-5d5b-4a52-9c0e-1d8a7f6f6f11/createSubscriptionForCustomer',
  '/repos/acme/shop/pulls/1718/merge',
  '/articles/how-we-moved-to-short-lived-credentials-in-2026',
  '/caf%C3%A9',
  '/images/debian-13-x86_64-linux-gnu-toolchain/3d-printing-of-small-parts',
  '/v2/OrdersOfToday_by-customer/ORDER_LINES_2026/listOrdersByCustomer2',
]

test('a path of words and ids stays as it is', () => {
  for (const path of kept) assert.equal(redactedPath(path), path)
})

test('a path has one form, however it was encoded', () => {
  assert.equal(redactedPath('/%6frders/caf%c3%a9/a%7eb'), '/orders/caf%C3%A9/a~b')
})

test('what could be a secret leaves a path: by its look, by the part before it, by the name of its parameter', () => {
  const secrets = [
    randomBytes(16).toString('hex'),
    randomBytes(24).toString('base64url'),
    `sk_live_${randomBytes(12).toString('hex')}`,
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
    'QmFzZVNpeHR5Rm91cldpdGhvdXREaWdpdHM',
  ]
  for (const secret of secrets) {
    assert.equal(redactedPath(`/orders/${secret}/lines`), '/orders/[redacted]/lines')
    const hidden = [...secret].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')
    assert.equal(redactedPath(`/orders/${hidden}`), '/orders/[redacted]')
    assert.equal(redactedName(secret), '[redacted]')
  }
  assert.equal(redactedPath('/password-reset/hunter2'), '/password-reset/[redacted]')
  assert.equal(redactedPath('/api/tokens/hunter2/uses'), '/api/tokens/[redacted]/uses')
  assert.equal(redactedPath('/app;jsessionid=hunter2/home'), '/app;jsessionid=[redacted]/home')
})

test('of a query the names stay, and what stands alone only where it is a word', () => {
  assert.deepEqual(queryNames(''), [])
  assert.deepEqual(queryNames('?'), [])
  assert.deepEqual(queryNames('?page=2&per_page=100&acl'), ['page', 'per_page', 'acl'])
  assert.deepEqual(queryNames('?hunter2&a;b=hunter2&%61=1'), ['[redacted]', 'a', 'b', 'a'])
  assert.deepEqual(queryNames(`?${'name'.repeat(9)}=1`), ['name'.repeat(9)])
  assert.deepEqual(queryNames(`?${'name_'.repeat(20)}=1`), [`${'name_'.repeat(20).slice(0, 64)}[cut]`])
})

test('random keys of every usual form are seen', () => {
  for (const bytes of [18, 24, 32])
    for (let i = 0; i < 500; i++) {
      const key = hash('sha256', `${bytes} ${i}`, 'buffer').subarray(0, bytes)
      for (const text of [
        key.toString('base64url'),
        key.toString('hex'),
        key.toString('base64').replaceAll('/', '.'),
      ])
        assert.equal(redactedName(text), '[redacted]', text)
    }
})

test('hostile texts are read in little time', () => {
  const begun = performance.now()
  for (const piece of ['%', ';', '/', '%ff', 'a;', '&=', 'A1', '-----BEGIN PRIVATE KEY-----', 'a://'])
    redactedPath(`/${piece.repeat(16_384 / piece.length)}`)
  queryNames(`?${'a;'.repeat(8_000)}`)
  assert.ok(performance.now() - begun < 1_000)
})
