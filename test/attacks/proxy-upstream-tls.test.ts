/** An upstream behind TLS that is not who it should be learns nothing (RFC 9110 4.3.4). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import { bearer, fakeGate, httpSettings } from '../conformance/route.ts'
import { type Certificate, selfSigned } from '../fakes/certificate.ts'
import { fakeTools } from '../fakes/clock.ts'

/** A route to an upstream behind TLS; how many requests reached that, and the status that a caller gets. */
async function through(t: TestContext, pair: Certificate) {
  let reached = 0
  const server = createServer({ ...pair }, (_, response) => {
    reached++
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const route = openHttpRoute(httpSettings(`https://127.0.0.1:${port}`), fakeTools())
  const listening = await route.listen(fakeGate())
  t.after(async () => {
    await listening.close(0)
    server.closeAllConnections()
    server.close()
  })
  const { status } = await fetch(listening.url, { headers: bearer })
  return { status, reached }
}

test('a certificate that nobody vouches for, or that names somebody else, gets no request', async (t) => {
  const unknown = selfSigned('127.0.0.1')
  assert.deepEqual(await through(t, unknown), { status: 502, reached: 0 })
  const other = selfSigned('127.0.0.2')
  trust(t, other.cert)
  assert.deepEqual(await through(t, other), { status: 502, reached: 0 })
})

test('a certificate that is vouched for and names the upstream is believed', async (t) => {
  const right = selfSigned('127.0.0.1')
  trust(t, right.cert)
  assert.deepEqual(await through(t, right), { status: 200, reached: 1 })
})

function trust(t: TestContext, cert: string): void {
  const before = getCACertificates('default')
  t.after(() => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, cert])
}
