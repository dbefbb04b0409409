import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { fetchDocument } from './fetch-document.ts'
import { isPrivateAddress } from './network-address.ts'

const reach = { privateNetwork: false, loopbackHttp: true }

/** What the fetch says of a server that answers in its own way, within a second. */
async function fetched(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    await fetchDocument(new URL(`http://127.0.0.1:${port}/keys`), reach, { bytes: 1000, milliseconds: 1000 })
    return 'answered'
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    server.close()
  }
}

const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

test('an answer that is none always ends, so that the next fetch can be made', {
  timeout: 10_000,
}, async () => {
  assert.equal(await fetched((socket) => socket.write(upgrade)), 'closed without an answer')
  assert.equal(await fetched(() => {}), 'took too long')
  assert.equal(await fetched((socket) => socket.end()), 'socket hang up')
  const cut = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys":'
  assert.equal(await fetched((socket) => socket.end(cut)), 'aborted')
  assert.equal(await fetched((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"keys":[]}')), 'answered')
})

test('an organisation’s own network is not the link: metadata of a cloud stays out of reach', async () => {
  for (const address of [
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '::1',
    'fd12::1',
  ])
    assert.ok(isPrivateAddress(address), address)
  for (const address of [
    '169.254.169.254',
    'fe80::1',
    '::ffff:169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '8.8.8.8',
    'x',
  ])
    assert.ok(!isPrivateAddress(address), address)
  const inside = { privateNetwork: true, loopbackHttp: false }
  await assert.rejects(fetchDocument(new URL('https://169.254.169.254/'), inside), /not allowed/)
})
