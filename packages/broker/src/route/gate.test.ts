import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import type { AuditEvent, Lease } from '../domain.ts'
import { bearerProblem } from './bearer-error.ts'
import { type OwnToken, openGate } from './gate.ts'
import { Recent } from './recent.ts'

const audience = 'https://orders.example.com'

/** A gate over leases in a map; what it did is counted. */
function world(options: { cacheSize?: number } = {}) {
  const tools = fakeTools()
  const now = tools.now() / 1000
  const leases = new Map<string, Lease>()
  const events: AuditEvent[] = []
  const outcomes: string[] = []
  const counts = { verified: 0, read: 0 }
  const world = {
    tools,
    leases,
    events,
    outcomes,
    counts,
    tokenAudience: audience,
    tokenEnds: now + 600,
    recordFails: (_: AuditEvent) => false,
    add(id: string, changes: Partial<Lease> = {}) {
      leases.set(id, { ...lease, id, expiresAt: now + 600, ...changes })
    },
  }
  const verify = (text: string): OwnToken => {
    counts.verified++
    if (!text.startsWith('good-')) throw new Failure('subject_token_invalid', { reason: 'bad signature' })
    const leaseId = text.slice('good-'.length)
    return {
      leaseId,
      subject: 's',
      audience: world.tokenAudience,
      scopes: ['read'],
      expiresAt: world.tokenEnds,
    }
  }
  const gate = openGate({
    ...options,
    tools,
    verify,
    lease: async (id) => {
      counts.read++
      return leases.get(id)
    },
    verdict: () => ({ is: 'yes', writes: false }),
    audienceOf: (target) => (['orders-api', 'orders-copy'].includes(target) ? audience : undefined),
    record: async (event) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (world.recordFails(event)) throw new Error('the store is away')
      events.push(event)
      return `au_${events.length}`
    },
    observe: (route, outcome) => outcomes.push(`${route} ${outcome}`),
  })
  const ask = (token?: string, route = 'orders', target = 'orders-api') =>
    gate.admit({
      token: token === undefined ? undefined : new Secret(token),
      route,
      target,
      action: 'GET /orders',
    })
  return Object.assign(world, { ask, gate })
}

const lease: Lease = {
  id: 'ls_1',
  state: 'active',
  target: 'orders-api',
  kind: 'token',
  issuer: 'github',
  subject: 's',
  grants: ['deploy'],
  scopes: ['read'],
  createdAt: 1,
  expiresAt: 2,
  handle: new Uint8Array(),
}

async function refused(asked: Promise<unknown>, code: FailureCode, reason: RegExp): Promise<Failure> {
  const thrown = await asked.then(
    () => assert.fail('was admitted'),
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof Failure)
  assert.equal(thrown.code, code)
  assert.match(thrown.reason, reason)
  return thrown
}

test('a live token is admitted and said so once, however often it comes', async () => {
  const { add, ask, events, outcomes, counts } = world()
  add('ls_1')
  const admitted = await ask('good-ls_1')
  assert.deepEqual([admitted.leaseId, admitted.subject, admitted.scopes], ['ls_1', 's', ['read']])
  for (let i = 0; i < 5; i++) await ask('good-ls_1')
  assert.deepEqual(events, [
    { type: 'route.admitted', route: 'orders', target: 'orders-api', action: 'GET /orders', lease: 'ls_1' },
  ])
  assert.equal(outcomes.length, 6)
  assert.equal(counts.verified, 1)
  assert.equal(counts.read, 6)
  await ask('good-ls_1', 'other-route')
  assert.equal(events.length, 2)
})

test('first requests that come at once share one entry, and none passes before it is durable', async () => {
  const { add, ask, events } = world()
  add('ls_1')
  let passed = 0
  const asks = Array.from({ length: 100 }, () =>
    ask('good-ls_1').then(() => {
      assert.equal(events.length, 1)
      passed++
    }),
  )
  await Promise.all(asks)
  assert.equal(passed, 100)
  assert.equal(events.length, 1)
})

test('a lease for another target is refused, also where both targets have one audience', async () => {
  const { add, ask } = world()
  add('ls_1')
  await refused(ask('good-ls_1', 'orders', 'orders-copy'), 'subject_token_invalid', /not for `orders-copy`/)
})

test('a revocation counts at the next request', async () => {
  const { add, ask, events } = world()
  add('ls_1')
  await ask('good-ls_1')
  add('ls_1', { state: 'revoked', endedBy: 'job_end' })
  const failure = await refused(ask('good-ls_1'), 'subject_token_invalid', /revoked \(job_end\)/)
  assert.equal(failure.entry, 'au_2')
  assert.equal(events[1]?.type, 'route.refused')
})

test('a lease that is not active, unknown or past its end lets nobody in', async () => {
  const { add, ask, tools } = world()
  for (const state of ['pending', 'revoked', 'expired', 'stuck'] as const) {
    add('ls_1', { state })
    await refused(ask('good-ls_1'), 'subject_token_invalid', new RegExp(state))
  }
  await refused(ask('good-ls_none'), 'subject_token_invalid', /unknown/)
  add('ls_1', { expiresAt: tools.now() / 1000 })
  await refused(ask('good-ls_1'), 'subject_token_invalid', /lease is past its end/)
})

test('a remembered token ends when it says', async () => {
  const { add, ask, tools, counts } = world()
  add('ls_1', { expiresAt: tools.now() / 1000 + 9999 })
  await ask('good-ls_1')
  tools.advance(599_999)
  assert.equal((await ask('good-ls_1')).expiresAt, tools.now() / 1000 + 0.001)
  tools.advance(1)
  await refused(ask('good-ls_1'), 'subject_token_invalid', /token is past its end/)
  assert.equal(counts.verified, 2)
})

test('a token for another audience is refused, and the entry names both', async () => {
  const opened = world()
  const others = ['https://other.example.com', `${audience}/`, '', audience.toUpperCase()]
  for (const [i, other] of others.entries()) {
    opened.add(`ls_${i}`)
    opened.tokenAudience = other
    const failure = await refused(opened.ask(`good-ls_${i}`), 'subject_token_invalid', /audience/)
    for (const named of [other, audience]) assert.ok(failure.reason.includes(`\`${named}\``), failure.reason)
  }
  assert.equal(opened.counts.read, 0)
})

test('a target without an audience admits nobody', async () => {
  const { add, ask } = world()
  add('ls_1')
  await refused(ask('good-ls_1', 'orders', 'gone'), 'internal', /no audience/)
})

test('no token is refused and recorded, without an error code for the caller', async () => {
  const { ask, events } = world()
  const failure = await refused(ask(), 'client_rejected', /^no token$/)
  assert.equal(events.length, 1)
  assert.deepEqual(bearerProblem(failure, 'x').headers.slice(-2), [
    'WWW-Authenticate',
    'Bearer realm="mayfly"',
  ])
})

test('a token that came in a wrong way is refused and recorded, even beside a good one', async () => {
  const { add, events, gate, counts } = world()
  add('ls_1')
  const asked = {
    token: new Secret('good-ls_1'),
    fault: 'There are two.',
    route: 'orders',
    target: 'orders-api',
  }
  const failure = await refused(gate.admit({ ...asked, action: 'GET /' }), 'request_malformed', /two/)
  assert.equal(failure.entry, 'au_1')
  assert.deepEqual([events.length, events[0]?.type, counts.verified], [1, 'route.refused', 0])
  const { status, headers } = bearerProblem(failure, 'au_1')
  assert.equal(status, 400)
  assert.ok(headers.some((text) => text.startsWith('Bearer realm="mayfly", error="invalid_request"')))
})

test('when the admission cannot be recorded nobody passes, and the next request tries again', async () => {
  const opened = world()
  opened.add('ls_1')
  opened.recordFails = (event) => event.type === 'route.admitted'
  const asks = Array.from({ length: 10 }, () => opened.ask('good-ls_1'))
  for (const asked of asks) await refused(asked, 'provider_unavailable', /admission could not be recorded/)
  opened.recordFails = () => false
  await opened.ask('good-ls_1')
  assert.equal(opened.events.at(-1)?.type, 'route.admitted')
})

test('when a refusal cannot be recorded it is still a refusal, and says nothing of its cause', async () => {
  const opened = world()
  opened.recordFails = () => true
  const failure = await refused(opened.ask('bad'), 'provider_unavailable', /refusal could not be recorded/)
  assert.equal(failure.entry, undefined)
})

test('when the store cannot be read nobody passes', async () => {
  const opened = world()
  opened.leases.get = () => {
    throw new Error('away')
  }
  await refused(opened.ask('good-ls_1'), 'provider_unavailable', /could not be read/)
})

test('what is remembered has a bound, and refusals are not remembered', async () => {
  const { add, ask, counts, events } = world({ cacheSize: 3 })
  for (let i = 0; i < 10; i++) add(`ls_${i}`)
  for (let i = 0; i < 4; i++) await ask(`good-ls_${i}`)
  await ask('good-ls_1')
  assert.equal(counts.verified, 4)
  await ask('good-ls_0')
  assert.equal(counts.verified, 5)
  assert.equal(events.length, 5)
  for (let i = 0; i < 2; i++) await refused(ask('bad'), 'subject_token_invalid', /signature/)
  assert.equal(counts.verified, 7)
})

test('the entry used longest ago goes first', () => {
  const recent = new Recent<number>(2)
  recent.set('a', 1)
  recent.set('b', 2)
  recent.get('a')
  recent.set('c', 3)
  assert.deepEqual([recent.get('a'), recent.get('b'), recent.get('c'), recent.size], [1, undefined, 3, 2])
})

test('what is over is forgotten from the oldest on, as far as it is over', () => {
  const recent = new Recent<number>(10)
  for (const [at, until] of [5, 3, 9, 2].entries()) recent.set(String(at), until)
  recent.forget((until) => until <= 5)
  assert.deepEqual(
    [recent.get('0'), recent.get('1'), recent.get('2'), recent.get('3')],
    [undefined, undefined, 9, 2],
  )
  assert.equal(recent.size, 2)
})

test('every refusal of a presented token reads the same', async () => {
  const opened = world()
  opened.add('ls_1', { state: 'revoked' })
  const failures = [
    await refused(opened.ask('bad'), 'subject_token_invalid', /signature/),
    await refused(opened.ask('good-ls_1'), 'subject_token_invalid', /revoked/),
    await refused(opened.ask('good-ls_none'), 'subject_token_invalid', /unknown/),
    new Failure('subject_token_invalid', { detail: 'a detail', reason: 'other' }),
  ]
  const answers = failures.map((failure) => bearerProblem(failure, 'au_x'))
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  assert.equal(answers[0]?.status, 401)
  assert.ok(
    answers[0]?.headers.includes(
      'Bearer realm="mayfly", error="invalid_token", error_description="The token was not accepted."',
    ),
  )
})
