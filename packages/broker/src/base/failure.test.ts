import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asFailure, Failure, type FailureCode, failureRow, failures } from './failure.ts'

test('the public texts use only the characters of RFC 6749 5.2', () => {
  for (const code of Object.keys(failures) as FailureCode[]) {
    assert.match(failureRow(code).text, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  }
})

test('what is not a failure becomes internal and keeps its cause inside', () => {
  const cause = new Error('password=hunter2')
  const failure = asFailure(cause)
  assert.equal(failure.code, 'internal')
  assert.equal(failure.cause, cause)
  assert.doesNotMatch(failure.message, /hunter2/)
  assert.equal(failure.detail, undefined)
})

test('a recorded failure is the same failure with the entry that holds its reason', () => {
  const failure = new Failure('target_refused', { reason: 'why', detail: 'what', explanation: { a: 1 } })
  const recorded = failure.recorded('au_1')
  assert.deepEqual(
    [recorded.code, recorded.reason, recorded.detail, recorded.explanation, recorded.entry],
    ['target_refused', 'why', 'what', { a: 1 }, 'au_1'],
  )
})
