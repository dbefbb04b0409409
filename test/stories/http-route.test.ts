/** An API behind the route, with the real gate over leases in a map: what the example's users see. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@mayfly/broker/base/failure'
import type { AuditEvent, Lease } from '@mayfly/broker/domain'
import { openGate } from '@mayfly/broker/route/gate'
import { openHttpRoute } from '@mayfly/broker/route/routes/http/http'
import { startOrdersApi } from '../../examples/orders-api/server.ts'
import { httpSettings } from '../conformance/route.ts'
import { fakeTools } from '../fakes/clock.ts'

test('a job orders, reads a stream and is refused from the request after its end on', async (t) => {
  const tools = fakeTools()
  const audience = 'https://orders.example.com'
  const events: AuditEvent[] = []
  const ends = tools.now() / 1000 + 600
  let lease: Lease = {
    ...{ id: 'ls_1', state: 'active', target: 'orders-api', kind: 'token', issuer: 'github' },
    ...{
      subject: 'repo:acme/shop',
      grants: ['shop'],
      scopes: ['orders:write'],
      createdAt: 1,
      expiresAt: ends,
    },
    handle: new Uint8Array(),
  }
  const gate = openGate({
    tools,
    verify: (token) => {
      if (token !== 'token-of-the-job')
        throw new Failure('subject_token_invalid', { reason: 'bad signature' })
      return { leaseId: lease.id, subject: lease.subject, audience, scopes: lease.scopes, expiresAt: ends }
    },
    lease: async (id) => (id === lease.id ? lease : undefined),
    audienceOf: () => audience,
    verdict: () => ({ is: 'yes', writes: false }),
    record: async (event) => `au_${events.push(event)}`,
  })
  const api = await startOrdersApi(0)
  t.after(() => api.close())
  const { url, close } = await openHttpRoute(httpSettings(api.url), tools).listen(gate)
  t.after(() => close(0))
  const call = (path: string, more: RequestInit = {}) =>
    fetch(url + path, { ...more, headers: { Authorization: 'Bearer token-of-the-job' } })

  const placed = await call('/orders', { method: 'POST', body: '{"item":"jam"}' })
  assert.deepEqual(await placed.json(), { id: 3, item: 'jam', by: 'repo:acme/shop' })
  const lines = (await (await call('/orders/stream')).text()).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).item),
    ['tea', 'bread', 'jam'],
  )
  const { headers } = (await (await call('/echo')).json()) as { headers: Record<string, string> }
  assert.equal(headers['x-mayfly-lease'], 'ls_1')
  assert.doesNotMatch(JSON.stringify(headers), /token-of-the-job/)

  lease = { ...lease, state: 'revoked', endedBy: 'job_end' }
  const refused = await call('/orders')
  assert.equal(refused.status, 401)
  assert.match(await refused.text(), /"error_id":"au_2"/)
  assert.deepEqual(
    events.map(({ type }) => type),
    ['route.admitted', 'route.refused'],
  )
})
