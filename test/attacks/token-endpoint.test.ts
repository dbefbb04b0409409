/**
 * Abuse of the token endpoint's protocol: RFC 6749 3.2 and 5.2, RFC 8693 2.1 and 2.2.2, the browser fetch rules, and
 * request smuggling. Case names are the ids of the checklist they come from.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type FailureCode } from '../../packages/broker/src/base/failure.ts'
import { goodForm, goodToken, listeningDoors, postForm } from '../../packages/broker/test/doors.ts'

const form = new URLSearchParams(goodForm).toString()
const formType = 'application/x-www-form-urlencoded'

test('EP-2: a token request that is not a POST is refused, also with everything in the query', async () => {
  await using doors = await listeningDoors()
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const response = await fetch(`${doors.url}/token?${form}`, { method })
    assert.equal(response.status, 405, method)
    assert.equal(response.headers.get('allow'), 'POST')
  }
  const inQuery = await fetch(`${doors.url}/token?${form}`, {
    method: 'POST',
    headers: { 'Content-Type': formType },
  })
  assert.equal(inQuery.status, 400)
  assert.equal(doors.requests.length, 0)
})

test('EP-2: a method in a header or a parameter overrides nothing', async () => {
  await using doors = await listeningDoors()
  const response = await fetch(`${doors.url}/token?_method=POST`, {
    headers: { 'X-HTTP-Method-Override': 'POST' },
  })
  assert.equal(response.status, 405)
})

test('EP-3: JSON, multipart, text, other charsets and compressed bodies are invalid_request', async () => {
  await using doors = await listeningDoors()
  const types = [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    `${formType}; charset=utf-16`,
  ]
  for (const type of types) {
    const body = type === 'application/json' ? JSON.stringify(goodForm) : form
    const response = await fetch(`${doors.url}/token`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    })
    assert.equal(response.status, 400, type)
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_request')
  }
  assert.equal((await postForm(`${doors.url}/token`, form, { 'Content-Encoding': 'gzip' })).status, 400)
  assert.equal(doors.requests.length, 0)
})

test('EP-6: a repeated parameter is refused, however it is hidden', async () => {
  await using doors = await listeningDoors()
  const again = [
    'grant_type=password',
    'subject_token=x',
    'subject%5Ftoken=x',
    'subject_token',
    'scope=a&scope=b',
    'unknown=1&unknown=2',
    'subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt',
  ]
  for (const more of again) {
    assert.equal((await postForm(`${doors.url}/token`, `${form}&${more}`)).status, 400, more)
    assert.equal((await postForm(`${doors.url}/token`, `${more}&${form}`)).status, 400, more)
  }
  assert.equal(doors.requests.length, 0)
})

test('EP-5: unknown parameters change nothing, also those that name other things elsewhere', async () => {
  await using doors = await listeningDoors()
  const more = 'options=%7B%7D&__proto__=x&target=prod&lifetime=999999&act_as=root&client_id=x'
  assert.equal((await postForm(`${doors.url}/token`, `${form}&${more}`)).status, 200)
  assert.deepEqual(Object.keys(doors.requests[0] ?? {}).sort(), ['subjectToken', 'target', 'via'])
})

test('EP-10: whatever is echoed, a description holds only the characters of RFC 6749 5.2', async () => {
  const details = [
    'a "quoted" \\ word',
    'é \u0000\r\nSet-Cookie: a=b',
    '\u202e\ud83d\ude00\ud800',
    'x'.repeat(100_000),
  ]
  for (const detail of details) {
    await using doors = await listeningDoors({
      exchange: () => Promise.reject(new Failure('target_refused', { detail })),
    })
    const response = await postForm(`${doors.url}/token`, form)
    const body = (await response.json()) as { error_description: string }
    assert.match(body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,510}$/)
    assert.equal(response.headers.get('set-cookie'), null)
  }
  await using doors = await listeningDoors()
  const hostile = encodeURIComponent('a"\\é\r\n<script>')
  for (const body of [`${hostile}=1&${hostile}=2`, `grant_type=${hostile}`, `${form}&scope=${hostile}`]) {
    const text = await (await postForm(`${doors.url}/token`, body)).text()
    assert.doesNotMatch(text, /<script|é/)
  }
})

test('TX-22: refusals of one kind read the same whatever the cause; only the id differs', async () => {
  const causes = [
    'bad signature',
    'unknown issuer',
    'expired',
    'spent before',
    'the job has ended',
    'wrong audience',
  ]
  const answers = await Promise.all(
    causes.map(async (reason, index) => {
      await using doors = await listeningDoors({
        exchange: () =>
          Promise.reject(
            new Failure('subject_token_invalid', { reason, cause: new Error(reason) }).recorded(
              `au_${index}`,
            ),
          ),
      })
      const response = await postForm(`${doors.url}/token`, form)
      const headers = [...response.headers].filter(([name]) => name !== 'date')
      return JSON.stringify([response.status, headers, await response.text()]).replace(/au_\d/, 'au_')
    }),
  )
  assert.equal(new Set(answers).size, 1)
  assert.ok(causes.every((reason) => !answers[0]?.includes(reason)))
})

test('EP-9: every refusal is JSON that nobody keeps, and has the status of its code', async () => {
  const statuses: readonly [FailureCode, number, string][] = [
    ['request_malformed', 400, 'invalid_request'],
    ['grant_type_unsupported', 400, 'unsupported_grant_type'],
    ['client_rejected', 401, 'invalid_client'],
    ['subject_token_invalid', 400, 'invalid_request'],
    ['target_refused', 400, 'invalid_target'],
    ['scope_refused', 400, 'invalid_scope'],
    ['rate_limited', 429, 'invalid_request'],
    ['provider_unavailable', 503, 'temporarily_unavailable'],
    ['internal', 500, 'server_error'],
  ]
  for (const [code, status, error] of statuses) {
    await using doors = await listeningDoors({ exchange: () => Promise.reject(new Failure(code)) })
    const response = await postForm(`${doors.url}/token`, form)
    assert.equal(response.status, status, code)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('content-type'), 'application/json')
    assert.equal(response.headers.has('www-authenticate'), status === 401)
    assert.equal(response.headers.has('retry-after'), status === 429 || status === 503)
    assert.equal(((await response.json()) as { error: string }).error, error)
  }
})

test('a refusal never repeats the token that was sent, and neither does an answer', async () => {
  await using doors = await listeningDoors({
    exchange: (request) => Promise.reject(new Error(`broken by ${String(request.subjectToken)}`)),
  })
  const response = await postForm(`${doors.url}/token`, form)
  const text = JSON.stringify([...response.headers]) + (await response.text())
  assert.ok(!text.includes(goodToken) && !text.includes('broken by'))
})

test('a browser page of another origin gets no leave to read an answer', async () => {
  await using doors = await listeningDoors()
  const response = await postForm(`${doors.url}/token`, form, { Origin: 'https://evil.example' })
  assert.equal(response.headers.get('access-control-allow-origin'), null)
  const preflight = await fetch(`${doors.url}/token`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://evil.example' },
  })
  assert.equal(preflight.status, 405)
})

test('bodies made to be slow to read are not: dots, separators, escapes, many parameters', async () => {
  await using doors = await listeningDoors()
  const size = 16_000
  const bodies = [
    `${form}&x=${'.'.repeat(size - form.length)}`,
    form.replace(encodeURIComponent(goodToken), '.'.repeat(size - form.length)),
    '&'.repeat(size),
    '='.repeat(size),
    '%'.repeat(size),
    '%25'.repeat(size / 3),
    '+'.repeat(size),
    `scope=${'a+'.repeat(size / 2 - 10)}`,
    `${form}&scope=${'a+'.repeat(7000)}`,
    `${form.replace('audience', 'resource')}&resource=${'a:'.repeat(7000)}`,
  ]
  const begun = process.hrtime.bigint()
  for (const body of bodies) {
    const response = await postForm(`${doors.url}/token`, body)
    await response.arrayBuffer()
    assert.ok([200, 400].includes(response.status))
  }
  const milliseconds = Number(process.hrtime.bigint() - begun) / 1e6
  assert.ok(milliseconds < 1000, `${milliseconds} ms for ${bodies.length} requests`)
})

test('a body above 16 KiB is 413 before it is parsed', async () => {
  await using doors = await listeningDoors()
  assert.equal((await postForm(`${doors.url}/token`, `${form}&x=${'y'.repeat(16_384)}`)).status, 413)
  assert.equal(doors.requests.length, 0)
})

test('a thousand refusals do not keep an acceptance waiting', async () => {
  await using doors = await listeningDoors()
  const refused = Array.from({ length: 1000 }, () => postForm(`${doors.url}/token`, 'grant_type=x'))
  const accepted = await postForm(`${doors.url}/token`, form)
  assert.equal(accepted.status, 200)
  const statuses = await Promise.all(refused.map(async (each) => (await each).status))
  assert.ok(statuses.every((status) => status === 400))
})
