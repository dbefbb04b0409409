import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPlainHead } from './answer-head.ts'

const plain = ['HTTP/1.1 200 OK', 'Content-Length: 2', 'Content-Type: text/plain']

test('a plain head is read as it stands', () => {
  assert.deepEqual(readPlainHead(plain.join('\r\n')), {
    ...{ status: 200, message: 'OK', length: 2, keeps: true },
    fields: ['Content-Length', '2', 'Content-Type', 'text/plain'],
  })
})

for (const line of [
  ...['Transfer-Encoding: chunked', 'Upgrade: h2c', 'Trailer: Digest', 'Connection: upgrade'],
  ...['Content-Length: 2', 'content-length: 3', 'No Field: 1', ' folded', 'Name : value', 'Name: v\u00e9'],
])
  test(`a head with \`${line}\` is left to Node’s client`, () => {
    assert.equal(readPlainHead([...plain, line].join('\r\n')), undefined)
  })
