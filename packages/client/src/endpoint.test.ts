import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokerUrl, secureUrl } from './endpoint.ts'

test('a broker has one name, however its URL is written', () => {
  assert.equal(brokerUrl('https://Mayfly.example.com:443/'), 'https://mayfly.example.com')
  assert.equal(brokerUrl('https://example.com/mayfly//'), 'https://example.com/mayfly')
})

test('plain http is for loopback only', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', '2130706433', '0x7f.1']) {
    assert.equal(secureUrl(`http://${host}:8080`, 'It').protocol, 'http:')
  }
  const others = [
    'mayfly.example.com',
    '10.0.0.1',
    'localhost.example.com',
    '127.0.0.1.example.com',
    '[::]',
    '0.0.0.0',
  ]
  for (const host of others) assert.throws(() => secureUrl(`http://${host}`, 'It'), TypeError, host)
})

test('a URL that holds a password, a query or another scheme is refused, and not repeated', () => {
  const faulty = [
    'https://user:hunter2@mayfly.example.com',
    'https://hunter2@mayfly.example.com',
    'https://mayfly.example.com?token=hunter2',
    'https://mayfly.example.com#hunter2',
    'ftp://mayfly.example.com/hunter2',
    'hunter2',
    '',
  ]
  for (const text of faulty) {
    assert.throws(
      () => brokerUrl(text),
      (error) => error instanceof TypeError && !error.message.includes('hunter2'),
    )
  }
})
