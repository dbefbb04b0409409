import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf, openAdmission } from './admission.ts'

/** Sixteen connections, of which one address may hold four. */
function open(proxyOnLoopback = true) {
  const admission = openAdmission({ connections: 16, share: 0.25, proxyOnLoopback })
  const closed: string[] = []
  const connection = (name: string) => ({ destroy: () => void closed.push(name) })
  const admit = (name: string, remote: string) => {
    const made = connection(name)
    return { made, admitted: admission.admit(made, remote) }
  }
  return { admission, admit, closed }
}

test('an address that holds its share takes from itself, first what has been idle for longest', () => {
  const { admission, admit, closed } = open()
  const four = ['a', 'b', 'c', 'd'].map((name) => admit(name, '192.0.2.1').made)
  for (const each of four.slice(0, 2)) admission.began(each)
  assert.ok(admit('e', '192.0.2.1').admitted)
  assert.deepEqual(closed, ['c'])
  // The first is idle again, but later than `d` and `e`.
  for (const each of four.slice(0, 1)) admission.ended(each)
  for (const name of ['f', 'g', 'h']) assert.ok(admit(name, '192.0.2.1').admitted)
  assert.deepEqual(closed, ['c', 'd', 'e', 'a'])
  assert.ok(admit('other', '192.0.2.2').admitted)
})

test('an address whose share is all at work gets no more, and others do', () => {
  const { admission, admit, closed } = open()
  const four = ['a', 'b', 'c', 'd'].map((name) => admit(name, '192.0.2.1').made)
  for (const each of four) admission.began(each)
  assert.equal(admit('e', '192.0.2.1').admitted, false)
  assert.ok(admit('other', '192.0.2.2').admitted)
  assert.deepEqual(closed, [])
  for (const each of four.slice(0, 1)) admission.left(each)
  assert.ok(admit('f', '192.0.2.1').admitted)
})

test('when all are taken, whoever has been idle for longest makes room, whatever the address', () => {
  const { admission, admit, closed } = open()
  const all = Array.from({ length: 16 }, (_, i) => admit(`${i}`, `192.0.2.${i}`))
  assert.ok(all.every(({ admitted }) => admitted))
  for (const { made } of all.slice(0, 3)) admission.began(made)
  assert.ok(admit('new', '198.51.100.1').admitted)
  assert.deepEqual(closed, ['3'])
  for (const { made } of all) admission.began(made)
  assert.ok(admit('newer', '198.51.100.2').admitted)
  assert.deepEqual(closed, ['3', 'new'])
})

test('when all are at work, the newcomer is refused', () => {
  const { admission, admit, closed } = open()
  for (let i = 0; i < 16; i++) admission.began(admit(`${i}`, `192.0.2.${i}`).made)
  assert.equal(admit('new', '198.51.100.1').admitted, false)
  assert.deepEqual(closed, [])
})

test('a connection with several requests is idle when the last of them is over', () => {
  const { admission, admit, closed } = open()
  const four = ['a', 'b', 'c', 'd'].map((name) => admit(name, '192.0.2.1').made)
  for (const each of [...four, ...four]) admission.began(each)
  for (const each of four) admission.ended(each)
  assert.equal(admit('e', '192.0.2.1').admitted, false)
  for (const each of four) admission.ended(each)
  assert.ok(admit('f', '192.0.2.1').admitted)
  assert.deepEqual(closed, ['a'])
})

test('a reverse proxy on loopback may hold all of them; where there is none, loopback has its share', () => {
  for (const remote of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    const behind = open()
    for (let i = 0; i < 16; i++) assert.ok(behind.admit(`${i}`, remote).admitted)
    assert.deepEqual(behind.closed, [])
    const bare = open(false)
    for (let i = 0; i < 5; i++) assert.ok(bare.admit(`${i}`, remote).admitted)
    assert.deepEqual(bare.closed, ['0'])
  }
})

test('what left is forgotten', () => {
  const { admission, admit, closed } = open()
  for (let i = 0; i < 100; i++) admission.left(admit(`${i}`, '192.0.2.1').made)
  assert.deepEqual(closed, [])
})

test('addresses of one IPv6 network are one, and IPv4 is itself however it is written', () => {
  for (const [remote, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ] as const) {
    assert.equal(networkOf(remote), network, remote)
  }
})
