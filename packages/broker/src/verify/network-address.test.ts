import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopbackAddress, isPublicAddress } from './network-address.ts'

const inward = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.168.0.1',
  '198.18.0.1',
  '198.19.255.255',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:10.0.0.1',
  '::FFFF:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::ffff:127.0.0.1',
  '0:0:0:0:0:ffff:169.254.169.254',
  '0000:0000:0000:0000:0000:ffff:a9fe:a9fe',
  '::ffff:0:169.254.169.254',
  '::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  '100::1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '2001::1',
  '2002:a9fe:a9fe::1',
]
const outward = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '::ffff:1.1.1.1',
  '::ffff:101:101',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
]

test('private, link-local, shared and reserved addresses are not public, however they are written', () => {
  for (const address of inward) assert.equal(isPublicAddress(address), false, address)
  for (const address of outward) assert.equal(isPublicAddress(address), true, address)
})

test('what is no address is neither public nor loopback', () => {
  for (const text of [
    '',
    'localhost',
    '127.0.0.1.example',
    '2130706433',
    '0x7f.1',
    '1.1.1',
    '::ffff:1.2.3.400',
    '[::1]',
  ]) {
    assert.equal(isPublicAddress(text), false, text)
    assert.equal(isLoopbackAddress(text), false, text)
  }
})

test('loopback is 127/8 and ::1, mapped too', () => {
  for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])
    assert.equal(isLoopbackAddress(address), true, address)
  for (const address of [
    '128.0.0.1',
    '126.0.0.1',
    '::2',
    '0.0.0.0',
    '::',
    '::ffff:10.0.0.1',
    '169.254.169.254',
  ])
    assert.equal(isLoopbackAddress(address), false, address)
})
