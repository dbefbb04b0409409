import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noWaiting, scripted } from '../test/scripted.ts'
import { exchange } from './exchange.ts'
import { MayflyRefused } from './refusal.ts'
import { brokerRetry } from './retry.ts'
import { MayflyUnreachable } from './unreachable.ts'

const url = 'https://mayfly.example.com/'
const granted = {
  status: 200,
  body: {
    access_token: 'at-secret',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 900,
    expires_at: 1_795_402_800,
    scope: 'read',
    lease_id: 'lease-1',
  },
}

/** `st-1`, `st-2`, ... */
function subjectTokens() {
  let count = 0
  return async () => `st-${++count}`
}

test('an exchange is one form request as RFC 8693 has it', async () => {
  const { transport, requests } = scripted(granted)
  const credential = await exchange({
    url,
    subjectToken: subjectTokens(),
    target: 'docs',
    scope: 'read write',
    transport,
  })
  assert.deepEqual(credential, {
    accessToken: 'at-secret',
    leaseToken: 'at-secret',
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    tokenType: 'Bearer',
    expiresIn: 900,
    expiresAt: 1_795_402_800,
    scope: 'read',
    leaseId: 'lease-1',
    parts: undefined,
  })
  const [only] = requests
  assert.equal(requests.length, 1)
  assert.equal(only?.url, 'https://mayfly.example.com/token')
  assert.equal(only?.request.redirect, 'manual')
  assert.deepEqual(Object.fromEntries(only?.form ?? []), {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'st-1',
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    audience: 'docs',
    scope: 'read write',
  })
})

test('a resource goes out as resource, and no audience with it', async () => {
  const { transport, requests } = scripted(granted)
  await exchange({ url, subjectToken: subjectTokens(), resource: 'https://orders.example.com', transport })
  assert.equal(requests[0]?.form.get('resource'), 'https://orders.example.com')
  assert.equal(requests[0]?.form.has('audience'), false)
})

test('a credential that is not a token of ours comes with the token of its lease', async () => {
  const { transport } = scripted({ ...granted, body: { ...granted.body, lease_token: 'lt-secret' } })
  const credential = await exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport })
  assert.deepEqual([credential.accessToken, credential.leaseToken], ['at-secret', 'lt-secret'])
})

test('a credential of several parts comes with its parts', async () => {
  const body = { ...granted.body, credential: { user: 'u', password: 'p', port: 5432 } }
  const { transport } = scripted({ status: 200, body })
  const credential = await exchange({ url, subjectToken: subjectTokens(), target: 'db', transport })
  assert.deepEqual(credential.parts, { user: 'u', password: 'p', port: '5432' })
  assert.equal(credential.leaseToken, 'at-secret')
})

test('every try after a lost answer, a 429 and a 5xx carries a new subject token', async () => {
  const { retry, waited } = noWaiting(brokerRetry)
  const lost = Object.assign(new Error('socket'), { code: 'ECONNRESET' })
  const { transport, requests } = scripted(lost, { status: 429 }, { status: 502, body: '<html>' }, granted)
  const credential = await exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport, retry })
  assert.equal(credential.leaseId, 'lease-1')
  assert.deepEqual(
    requests.map(({ form }) => form.get('subject_token')),
    ['st-1', 'st-2', 'st-3', 'st-4'],
  )
  assert.deepEqual(waited, [375, 750, 1500])
})

test('the wait that the broker asks for is kept, unless it is longer than a job waits', async () => {
  const { retry, waited } = noWaiting(brokerRetry)
  const busy = (seconds: string) => ({ status: 429, headers: { 'retry-after': seconds } })
  const { transport, requests } = scripted(busy('7'), busy('0'), busy('31'), granted)
  const refused = exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport, retry })
  await assert.rejects(refused, { name: 'MayflyRefused', status: 429 })
  assert.deepEqual(waited, [7000, 0])
  assert.equal(requests.length, 3)
})

test('a refusal is not tried again and carries the explanation', async () => {
  const explanation = {
    summary: 'No grant matches.',
    grants: [{ grant: 'deploy', failing: [{ claim: 'ref', got: 'a', needed: 'b', hint: 'push to b' }] }],
  }
  const body = { error: 'invalid_target', error_description: 'Not allowed.', error_id: 'e-1', explanation }
  const { transport, requests } = scripted({ status: 400, body })
  const error = await exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport }).catch(
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof MayflyRefused)
  assert.deepEqual([error.error, error.status, error.errorId], ['invalid_target', 400, 'e-1'])
  assert.deepEqual(error.explanation, explanation)
  assert.equal(error.message, 'Mayfly refused: invalid_target, status 400. Not allowed. (error id e-1)')
  assert.equal(requests.length, 1)
})

test('a broker that never answers is unreachable after four tries, and no secret is in the error', async () => {
  const { retry } = noWaiting(brokerRetry)
  const leaky = new Error('failed with body subject_token=st-1', { cause: { code: 'ENOTFOUND' } })
  const { transport, requests } = scripted(leaky)
  const error = await exchange({
    url,
    subjectToken: subjectTokens(),
    target: 'docs',
    transport,
    retry,
  }).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof MayflyUnreachable)
  assert.equal(error.message, 'https://mayfly.example.com cannot be reached (ENOTFOUND; 4 tries).')
  assert.equal(error.cause, undefined)
  assert.equal(requests.length, 4)
})

test('an answer that is none of ours is not believed', async () => {
  const { access_token: _, ...withoutToken } = granted.body
  const { lease_id: __, ...withoutLease } = granted.body
  const odd = ['', '[]', 'null', withoutToken, withoutLease, { ...granted.body, expires_in: '900' }]
  for (const body of odd) {
    const { transport } = scripted({ status: 200, body })
    const answer = exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport })
    await assert.rejects(answer, { error: 'unexpected_answer', status: 200 })
  }
  for (const status of [204, 302, 404]) {
    const { transport } = scripted({ status, body: { error: 'has\nlines' } })
    const answer = exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport })
    await assert.rejects(answer, { error: 'unexpected_answer', status })
  }
})

test('a credential in an answer that is not 200 is not taken', async () => {
  for (const status of [201, 206, 302]) {
    const { transport } = scripted({ ...granted, status })
    const answer = exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport })
    await assert.rejects(answer, { error: 'unexpected_answer', status })
  }
})

test('a subject token that is echoed is cut out of the error', async () => {
  const body = { error: 'invalid_request', error_description: 'bad st-1', explanation: { summary: 'st-1' } }
  const { transport } = scripted({ status: 400, body })
  const error = await exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport }).catch(
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof MayflyRefused)
  assert.doesNotMatch(JSON.stringify(error) + error.message, /st-1/)
})

test('a cancelled exchange throws the reason and waits for nothing', async () => {
  const controller = new AbortController()
  const { transport, requests } = scripted({ status: 503, headers: { 'retry-after': '20' } })
  const { signal } = controller
  const answer = exchange({
    url,
    subjectToken: subjectTokens(),
    target: 'docs',
    signal,
    transport: async (...parts) => {
      setImmediate(() => controller.abort(new Error('cancelled')))
      return transport(...parts)
    },
  })
  await assert.rejects(answer, /^Error: cancelled$/)
  assert.equal(requests.length, 1)
})

test('an exchange that is cancelled in its last try throws the reason too', async () => {
  const controller = new AbortController()
  const transport = async () => {
    controller.abort(new Error('cancelled'))
    throw new Error('socket')
  }
  const retry = { ...brokerRetry, waitsMs: [] }
  const { signal } = controller
  const answer = exchange({ url, subjectToken: subjectTokens(), target: 'docs', signal, transport, retry })
  await assert.rejects(answer, /^Error: cancelled$/)
})

test('a try that takes too long is given up', async () => {
  const retry = { ...noWaiting(brokerRetry).retry, tryMs: 5, waitsMs: [] }
  const transport = (_: string, { signal }: { signal?: AbortSignal }) =>
    new Promise<never>((_resolve, reject) => {
      const alive = setInterval(() => {}, 1000)
      signal?.addEventListener('abort', () => {
        clearInterval(alive)
        reject(signal.reason)
      })
    })
  const answer = exchange({ url, subjectToken: subjectTokens(), target: 'docs', transport, retry })
  await assert.rejects(answer, { name: 'MayflyUnreachable', code: 'timeout', tries: 1 })
})

test('without a target nothing is sent', async () => {
  const { transport, requests } = scripted(granted)
  await assert.rejects(exchange({ url, subjectToken: subjectTokens(), transport }), TypeError)
  assert.equal(requests.length, 0)
})
