import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noWaiting, scripted } from '../test/scripted.ts'
import { brokerRetry } from './retry.ts'
import { revoke } from './revoke.ts'

const url = 'https://mayfly.example.com'

test('a credential is given back with one form request', async () => {
  const { transport, requests } = scripted({ status: 200 })
  await revoke({ url, token: 'at-secret', transport })
  assert.equal(requests[0]?.url, 'https://mayfly.example.com/revoke')
  assert.equal(requests[0]?.request.body, 'token=at-secret')
})

test('503 means that the token still lives: it is tried again (RFC 7009 2.2.1)', async () => {
  const { retry, waited } = noWaiting(brokerRetry)
  const { transport, requests } = scripted({ status: 503, headers: { 'retry-after': '2' } }, { status: 200 })
  await revoke({ url, token: 'at-secret', transport, retry })
  assert.equal(requests.length, 2)
  assert.deepEqual(waited, [2000])
})

test('anything but 200 is told, without the token', async () => {
  const { transport } = scripted({
    status: 400,
    body: { error: 'invalid_request', error_description: 'at-secret?' },
  })
  await assert.rejects(revoke({ url, token: 'at-secret', transport }), {
    name: 'MayflyRefused',
    message: 'Mayfly refused: invalid_request, status 400. ***?',
  })
})
