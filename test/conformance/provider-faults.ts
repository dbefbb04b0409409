/** What every client of a provider over HTTP does with a bad answer: one table for all, called from each one's tests. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import { type Spoil, spoiledWireFor } from '../fakes/spoiled-wire.ts'

export interface ProviderUnderTest {
  /** Opens the provider as it should be; its clock is the machine's. */
  readonly place: (t: TestContext) => Promise<{ readonly url: string }>
  /** A new client of the provider at `url`, asked once for what it is there for. */
  readonly once: (url: string, answerMs: number) => Promise<unknown>
  /** How many questions that takes. */
  readonly questions: number
  /** Its limit on an answer's time is fixed, so that its own tests look at what never comes. */
  readonly fixedTime?: true
  /** The question to which a redirect says something, and is refused for good. */
  readonly movedAt?: number
  /** How the provider, by its documentation, refuses us because our clocks differ; `at`: which question. */
  readonly clock?: { readonly at: number; readonly status: number; readonly body: string }
}

const soon = 300
const promised = { 'content-type': 'application/json', 'content-length': '4000' }

const answered =
  (status: number, body = '', headers: Readonly<Record<string, string>> = {}): Spoil =>
  (response) =>
    void response.writeHead(status, headers).end(body)

/** Bytes as they are, and then the end of the connection. */
const raw =
  (bytes: string): Spoil =>
  ({ socket }) =>
    void socket?.end(bytes)

function tooLong(response: ServerResponse): void {
  response.on('error', () => undefined)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end('x'.repeat(9 * 1_048_576))
}

/** `retryAfter`: seconds that the caller is to hear of; by default as many as the table of failures says. */
const faults: readonly { readonly name: string; readonly spoil: Spoil; readonly retryAfter?: number }[] = [
  { name: '429 with Retry-After', spoil: answered(429, '{}', { 'retry-after': '23' }), retryAfter: 23 },
  { name: '503 with Retry-After', spoil: answered(503, '{}', { 'retry-after': '7' }), retryAfter: 7 },
  { name: '500', spoil: answered(500, '{"error":"x"}') },
  { name: '502 of a gateway', spoil: answered(502, '<html>Bad Gateway</html>') },
  { name: '504 without a word', spoil: answered(504) },
  { name: 'a redirect', spoil: answered(307, '', { location: 'http://127.0.0.1:1/elsewhere' }) },
  { name: '200 that is no answer', spoil: answered(200, '<html>') },
  { name: '201 that is no answer', spoil: answered(201, '{"a":') },
  { name: 'an empty answer', spoil: answered(200, 'null') },
  { name: 'an answer that is too long', spoil: tooLong },
  { name: 'a connection cut before the answer', spoil: ({ socket }) => void socket?.destroy() },
  {
    name: 'a connection cut in the middle of the answer',
    spoil: (response) => response.writeHead(200, promised).write('{"access_', () => response.destroy()),
  },
  { name: 'what is not HTTP', spoil: raw('220 mail.example ESMTP\r\n') },
  { name: 'headers that never end', spoil: raw(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n`) },
]

const silences: typeof faults = [
  { name: 'a half-open connection, which never answers', spoil: () => undefined },
  {
    name: 'an answer that never ends',
    spoil: (response) => void response.writeHead(200, promised).write('{"access_'),
  },
]

/** Registers the tests of one client. */
export function testProviderFaults(name: string, under: ProviderUnderTest): void {
  const table = under.fixedTime === true ? faults : [...faults, ...silences]
  for (let at = 1; at <= under.questions; at++) {
    const where = under.questions === 1 ? name : `${name}, question ${at}`
    test(`${where}: a bad answer is told as one that may pass, asked for once, and repeats nothing`, async (t) => {
      const wire = await spoiledWireFor(t, (await under.place(t)).url)
      for (const fault of table) {
        wire.spoil(at, fault.spoil)
        const failure = await failureOf(under.once(wire.url, soon), fault.name)
        const moved = fault.name === 'a redirect' && under.movedAt === at
        assert.equal(failure.code, moved ? 'target_refused' : 'provider_unavailable', fault.name)
        if (fault.retryAfter !== undefined) assert.equal(failure.retryAfter, fault.retryAfter, fault.name)
        assert.equal(wire.asked.length, at, `${fault.name}: asked again`)
        repeatsNothing(failure, wire.asked)
      }
      wire.spoil(0, () => undefined)
      await under.once(wire.url, 5_000)
    })
  }
  const { clock } = under
  if (clock !== undefined) testClock(name, under, clock)
}

function testClock(name: string, under: ProviderUnderTest, clock: NonNullable<ProviderUnderTest['clock']>) {
  const { at, status, body } = clock
  test(`${name}: a clock that differs is told by how much, and is no fault of the policy`, async (t) => {
    const wire = await spoiledWireFor(t, (await under.place(t)).url)
    const refusedAt = async (ms: number) => {
      wire.spoil(at, answered(status, body, { date: new Date(ms).toUTCString() }))
      return await failureOf(under.once(wire.url, 5_000), 'clock')
    }
    for (const ahead of [400_000, -400_000]) {
      const { code, reason } = await refusedAt(Date.now() + ahead)
      assert.equal(code, 'provider_unavailable')
      assert.match(reason, /its clock and ours differ by (39|40)\d s$/)
    }
    assert.equal((await refusedAt(Date.now())).code, 'target_refused')
  })
}

async function failureOf(attempt: Promise<unknown>, name: string): Promise<Failure> {
  const thrown = await attempt.then(
    () => assert.fail(`${name}: was taken for an answer`),
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof Failure, `${name}: ${inspect(thrown)}`)
  return thrown
}

/** Neither tokens nor signatures of what was sent. */
function repeatsNothing(failure: Failure, asked: readonly string[]): void {
  const shown = inspect(failure, { depth: 9, showHidden: true })
  const secrets = asked.flatMap((text) => text.match(/[A-Za-z0-9_-]{40,}/g) ?? [])
  for (const secret of secrets) assert.ok(!shown.includes(secret), 'the failure repeats what was sent')
}
