import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { Failure } from '../base/failure.ts'
import { IssueFailure } from '../issue/target.ts'
import { refuse } from './errors.ts'

const retryAfter = (failure: Failure) => {
  const { headers = [] } = refuse(failure, fakeTools())
  return headers[headers.indexOf('Retry-After') + 1]
}

test('Retry-After is what a provider said, and what our table says where it said nothing', () => {
  const limited = new Failure('provider_unavailable', { reason: 'limit', retryAfter: 900 })
  assert.equal(retryAfter(limited), '900')
  assert.equal(retryAfter(new IssueFailure(limited, 'nothing').recorded('au_1')), '900')
  assert.equal(retryAfter(new Failure('provider_unavailable', { reason: 'away' })), '5')
})
