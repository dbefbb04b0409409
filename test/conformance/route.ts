/** The contract of a route that carries HTTP (`route/route.ts`): each kind calls this with how to open it. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Outcome } from '@mayfly/broker/base/carried'
import { Failure } from '@mayfly/broker/base/failure'
import type { Admitted, Ask, Gate, Listening, Route } from '@mayfly/broker/route/route'
import type { HttpRouteSettings } from '@mayfly/broker/route/settings'

/** Settings of a route `orders` to `upstream` on a free port of loopback. Seconds may be fractions here. */
export function httpSettings(upstream: string, more: Partial<HttpRouteSettings> = {}): HttpRouteSettings {
  return {
    kind: 'http',
    name: 'orders',
    listen: { host: '127.0.0.1', port: 0 },
    upstream,
    target: 'orders-api',
    header_timeout: 10,
    idle_timeout: 10,
    max_connections: 1000,
    ...more,
  }
}

export type OpenRoute = (upstream: string) => Route

/** A gate that knows one token, `good`, and remembers what it was asked. */
export interface FakeGate extends Gate {
  readonly asks: Ask[]
  revoked: boolean
  /** Awaited before every answer. */
  before: () => Promise<void>
}

export const admitted: Admitted = {
  leaseId: 'ls_1',
  subject: 'repo:acme/shop',
  scopes: ['orders:read', 'orders:write'],
  expiresAt: 9_000_000_000,
}

export function fakeGate(): FakeGate {
  const gate: FakeGate = {
    asks: [],
    revoked: false,
    before: async () => {},
    async admit(ask) {
      gate.asks.push(ask)
      await gate.before()
      if (ask.fault !== undefined) {
        throw new Failure('request_malformed', { detail: ask.fault, entry: 'au_fault' })
      }
      if (ask.token === undefined) throw new Failure('client_rejected', { entry: 'au_none' })
      if (gate.revoked || !ask.token.equals('good')) {
        throw new Failure('subject_token_invalid', { reason: 'secret reason', entry: 'au_bad' })
      }
      return admitted
    },
    holds: async () => !gate.revoked,
    refuse: async (_, __, failure) => failure.recorded('au_refused'),
    upstream: async () => null,
    permits: () => true,
    approve: async () => {},
    record: () => undefined,
    records: () => false,
    assertion: () => 'signed',
    meter: () => undefined,
    statements: () => undefined,
    audience: () => undefined,
  }
  return gate
}

export interface Standing {
  readonly url: string
  readonly gate: FakeGate
  readonly listening: Listening
  /** Requests that reached the upstream. */
  readonly reached: string[]
}

/** A route with an upstream behind it, closed after `use`. */
export async function standing(
  open: OpenRoute,
  upstream: RequestListener,
  use: (standing: Standing) => Promise<void>,
): Promise<void> {
  const reached: string[] = []
  const server = createServer((request, response) => {
    reached.push(`${request.method} ${request.url}`)
    upstream(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gate = fakeGate()
  const listening = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).listen(gate)
  try {
    await use({ url: listening.url, gate, listening, reached })
  } finally {
    await listening.close(0)
    server.closeAllConnections()
    server.close()
  }
}

export const bearer = { authorization: 'Bearer good' }

/** Registers the tests that every route passes. */
export function testRoute(name: string, open: OpenRoute): void {
  const ok: RequestListener = (_, response) => response.end('ok')

  test(`${name}: nothing reaches the upstream before the gate said yes`, async () => {
    await standing(open, ok, async ({ url, gate, reached }) => {
      gate.before = async () => assert.deepEqual(reached, [])
      assert.equal(await (await fetch(`${url}/orders?x=1`, { headers: bearer })).text(), 'ok')
      assert.deepEqual(reached, ['GET /orders?x=1'])
    })
  })

  test(`${name}: a refusal carries the entry's id and not its reason`, async () => {
    await standing(open, ok, async ({ url, reached }) => {
      const refused = await fetch(url, { headers: { authorization: 'Bearer bad' } })
      const text = await refused.text()
      assert.equal(refused.status, 401)
      assert.ok(text.includes('au_bad') && !text.includes('secret reason'))
      const anonymous = await fetch(url)
      assert.equal(anonymous.status, 401)
      assert.equal(anonymous.headers.get('www-authenticate'), 'Bearer realm="mayfly"')
      assert.deepEqual(reached, [])
    })
  })

  test(`${name}: the upstream never sees the token`, async () => {
    const seen: string[] = []
    const upstream: RequestListener = (request, response) => {
      seen.push(JSON.stringify([request.url, request.rawHeaders]))
      response.end()
    }
    await standing(open, upstream, async ({ url }) => {
      await fetch(`${url}/orders?x=1`, { headers: { authorization: 'bearer  good' } })
      await fetch(url, { method: 'POST', body: 'x', headers: bearer })
      assert.equal(seen.length, 2)
      assert.doesNotMatch(seen.join(), /good|authorization/i)
    })
  })

  test(`${name}: the gate is asked at every request, also on one connection`, async () => {
    await standing(open, ok, async ({ url, gate, reached }) => {
      for (let i = 0; i < 3; i++) await (await fetch(url, { headers: bearer })).text()
      gate.revoked = true
      assert.equal((await fetch(url, { headers: bearer })).status, 401)
      assert.deepEqual([gate.asks.length, reached.length], [4, 3])
    })
  })

  test(`${name}: a gate that breaks lets nobody in`, async () => {
    await standing(open, ok, async ({ url, gate, reached }) => {
      gate.before = () => Promise.reject(new Error('broken inside'))
      const answer = await fetch(url, { headers: bearer })
      assert.equal(answer.status, 500)
      assert.doesNotMatch(await answer.text(), /broken inside/)
      assert.deepEqual(reached, [])
    })
  })

  test(`${name}: what is recorded names the path and never the query or the token`, async () => {
    await standing(open, ok, async ({ url, gate }) => {
      await fetch(`${url}/orders?name=private`, { headers: bearer })
      assert.equal(gate.asks[0]?.action, 'GET /orders')
      // The head goes to the policy alone; what is recorded is the rest.
      const recorded = gate.asks.map(({ request: _, ...rest }) => rest)
      assert.doesNotMatch(JSON.stringify(recorded), /good|private/)
    })
  })

  test(`${name}: nothing reaches the upstream before the record is there, or where it is refused`, async () => {
    await standing(open, ok, async ({ url, gate, reached }) => {
      const outcomes: Outcome[] = []
      let begun = 0
      let refuses = false
      gate.records = () => true
      gate.record = async (by, { target }, carried) => {
        assert.deepEqual(
          [by.leaseId, target, carried().kind, reached.length],
          ['ls_1', 'orders-api', 'http', begun++],
        )
        if (refuses) throw new Failure('provider_unavailable', { reason: 'secret reason', entry: 'au_full' })
        return (outcome) => void outcomes.push(outcome)
      }
      assert.equal(await (await fetch(`${url}/orders`, { headers: bearer })).text(), 'ok')
      refuses = true
      const refused = await fetch(`${url}/orders`, { method: 'POST', body: 'x', headers: bearer })
      assert.equal(refused.status, 503)
      assert.doesNotMatch(await refused.text(), /secret reason/)
      assert.deepEqual(reached, ['GET /orders'])
      assert.deepEqual(outcomes, [{ status: 200, in: 0, out: 2 }])
    })
  })

  test(`${name}: an answer that breaks off, or that nobody waits for, is recorded as cut`, async () => {
    const breaks: RequestListener = (request, response) => {
      response.write('half')
      if (request.url === '/breaks') setImmediate(() => response.destroy())
    }
    await standing(open, breaks, async ({ url, gate }) => {
      const ended = Promise.withResolvers<Outcome>()
      gate.records = () => true
      gate.record = async () => ended.resolve
      await assert.rejects(fetch(`${url}/breaks`, { headers: bearer }).then((answer) => answer.text()))
      const { cut, status } = await ended.promise
      assert.deepEqual([cut, status], [true, 200])
      const left = Promise.withResolvers<Outcome>()
      gate.record = async () => left.resolve
      const leaving = new AbortController()
      const asked = await fetch(`${url}/waits`, { headers: bearer, signal: leaving.signal })
      assert.equal(asked.status, 200)
      leaving.abort()
      assert.deepEqual(await left.promise, { status: 200, in: 0, out: 4, cut: true })
    })
  })

  test(`${name}: closing lets what runs finish`, async () => {
    let arrived = () => {}
    const inside = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let finish = () => {}
    const slow: RequestListener = (_, response) => {
      finish = () => response.end('late')
      arrived()
    }
    await standing(open, slow, async ({ url, listening }) => {
      const answer = fetch(url, { headers: bearer })
      await inside
      const closing = listening.close(10_000)
      await assert.rejects(fetch(url, { headers: bearer }))
      finish()
      assert.equal(await (await answer).text(), 'late')
      await closing
    })
  })
}
