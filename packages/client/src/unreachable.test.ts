import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MayflyUnreachable, networkErrorCode } from './unreachable.ts'

test("the system's code is told, also where fetch hides it in the cause", () => {
  assert.equal(networkErrorCode(Object.assign(new Error(), { code: 'ECONNREFUSED' })), 'ECONNREFUSED')
  assert.equal(networkErrorCode(new TypeError('fetch failed', { cause: { code: 'ENOTFOUND' } })), 'ENOTFOUND')
  assert.equal(networkErrorCode(new DOMException('late', 'TimeoutError')), 'timeout')
})

test('nothing else of a foreign error is told', () => {
  const foreign = [
    new Error('sent at-secret'),
    Object.assign(new Error(), { code: 'sent at-secret' }),
    Object.assign(new Error(), { code: 7 }),
    'at-secret',
    null,
    undefined,
  ]
  for (const error of foreign) assert.equal(networkErrorCode(error), 'unknown')
})

test('one try is a try', () => {
  const { message } = new MayflyUnreachable('https://a.example', 'timeout', 1)
  assert.equal(message, 'https://a.example cannot be reached (timeout; 1 try).')
})
