import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Admitted } from '../../route.ts'
import { endToEnd, fieldsForCaller, fieldsForUpstream, pairs, valuesOf } from './fields.ts'

const admitted: Admitted = { leaseId: 'ls_1', subject: 'repo:acme/shop', scopes: ['a', 'b'], expiresAt: 9e9 }

function forUpstream(received: readonly string[], more: Partial<Admitted> = {}, method = 'GET') {
  return fieldsForUpstream({
    received,
    method,
    admitted: { ...admitted, ...more },
    remoteAddress: '192.0.2.1',
    host: 'orders.example.com',
    upstreamHost: '127.0.0.1:3000',
    httpVersion: '1.1',
    scheme: 'http',
  })
}

test('a subject cannot break out of its field, and no two subjects read the same', () => {
  const subjects = [
    'a',
    'a\r\nX-Evil: 1',
    'a\n',
    'a ',
    'a%20',
    'a%2520',
    'ü',
    '\u0000',
    '\ud800',
    'a\tb',
    'a,b',
  ]
  const seen = subjects.map((subject) => {
    const fields = forUpstream([], { subject })
    assert.equal(fields.length % 2, 0)
    for (const text of fields) assert.match(text, /^[\x20-\x7e]*$/)
    return valuesOf(fields, 'x-mayfly-subject').join()
  })
  assert.equal(new Set(seen).size, subjects.length)
  assert.deepEqual(seen.slice(0, 2), ['a', 'a%0D%0AX-Evil:%201'])
})

test('scopes are separated by one space and cannot hold another', () => {
  assert.deepEqual(valuesOf(forUpstream([], { scopes: ['read', 'b c'] }), 'x-mayfly-scope'), ['read b%20c'])
  assert.deepEqual(valuesOf(forUpstream([], { scopes: [] }), 'x-mayfly-scope'), [''])
})

test('one length is said, and only when there is one', () => {
  const framing = (received: string[], method?: string) =>
    [...pairs(forUpstream(received, {}, method))].filter(([name]) => /^(content-l|transfer-e)/i.test(name))
  assert.deepEqual(framing([]), [])
  assert.deepEqual(framing([], 'POST'), [['Content-Length', '0']])
  assert.deepEqual(framing(['content-length', '3'], 'POST'), [['Content-Length', '3']])
  assert.deepEqual(framing(['transfer-encoding', 'CHUNKED'], 'GET'), [['Transfer-Encoding', 'chunked']])
})

test('fields of one connection end here in both directions, with those that Connection names', () => {
  const flat = ['Connection', 'X-Hop , close', 'connection', 'Y-Hop', 'X-HOP', '1', 'y-hop', '2', 'Kept', '3']
  const alone = [
    'TE',
    'trailers',
    'Trailer',
    'X',
    'Keep-Alive',
    '5',
    'Upgrade',
    'h2c',
    'Proxy-Connection',
    'x',
  ]
  assert.deepEqual(endToEnd([...flat, ...alone]), ['Kept', '3'])
  const back = fieldsForCaller([...flat, ...alone, 'Proxy-Authenticate', 'Basic', 'Via', '1.0 a'], '1.1')
  assert.deepEqual(back, ['Kept', '3', 'Via', '1.0 a, 1.1 mayfly'])
})
