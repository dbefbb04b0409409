import assert from 'node:assert/strict'
import { test } from 'node:test'
import { carriedMessage, errorOf } from './recorded.ts'

test('an error of the protocol is told by its code, one of the tool as such, and anything else is none', () => {
  assert.equal(errorOf({ error: { code: -32602, message: 'hunter2' } }), '-32602')
  assert.equal(errorOf({ error: { code: 'x'.repeat(1000) } })?.length, 32)
  assert.equal(errorOf({ result: { isError: true, content: [] } }), 'tool')
  for (const answer of [{}, { result: { isError: 'true' } }, { result: [] }, { error: 7 }])
    assert.equal(errorOf(answer), undefined)
})

test('arguments that are no object have no names', () => {
  const message = { id: 1, method: 'tools/call', isModern: false }
  const carried = (params: { readonly [name: string]: string | readonly string[] }) =>
    carriedMessage('orders', { ...message, params })
  const known = { kind: 'tool', server: 'orders', method: 'tools/call', tool: 'search' }
  assert.deepEqual(carried({ name: 'search', arguments: 'hunter2' }), known)
  assert.deepEqual(carried({ name: 'search', arguments: ['hunter2'] }), known)
})
