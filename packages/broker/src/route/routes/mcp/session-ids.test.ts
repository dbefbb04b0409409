import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openSessionIds } from './session-ids.ts'

test('a session is of one caller at one server, and of this process', () => {
  const ids = openSessionIds({ randomBytes })
  const ours = ids.wrap('abc-123', 'orders', { subject: 'a job' })
  assert.equal(ids.unwrap(ours, 'orders', { subject: 'a job' }), 'abc-123')
  assert.equal(ids.unwrap(ours, 'orders', { subject: 'another job' }), undefined)
  const agent = { subject: 'a job', actor: 'an agent' }
  assert.equal(ids.unwrap(ours, 'orders', agent), undefined, 'who acts for somebody is somebody else')
  assert.equal(ids.unwrap(ids.wrap('abc-123', 'orders', agent), 'orders', { subject: 'a job' }), undefined)
  assert.equal(ids.unwrap(ours, 'stock', { subject: 'a job' }), undefined)
  assert.equal(openSessionIds({ randomBytes }).unwrap(ours, 'orders', { subject: 'a job' }), undefined)
})

test('an id that we did not make is none, whatever it looks like', () => {
  const ids = openSessionIds({ randomBytes })
  const [body = '', mark = ''] = ids.wrap('abc-123', 'orders', { subject: 'a job' }).split('.')
  const other = Buffer.from('abc-124').toString('base64url')
  for (const text of ['abc-123', body, `${body}.`, `${other}.${mark}`, `${body}.${mark}.x`, `.${mark}`, ''])
    assert.equal(ids.unwrap(text, 'orders', { subject: 'a job' }), undefined, text)
})
