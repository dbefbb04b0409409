import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openSecrets } from './secrets.ts'
import { showMessage } from './show.ts'
import { type Message, openWire } from './wire.ts'

/** A token with these claims; nobody here looks at its signature. */
function token(claims: object): string {
  return ['{"alg":"none"}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')
}

async function echo(t: TestContext): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    response.writeHead(207, {
      'content-type': 'text/plain',
      'x-mayfly-lease': 'ls_1',
      'set-cookie': ['a=1', 'b=2'],
    })
    response.write(`${request.method} ${request.url} ${request.headers.host} `)
    response.end(body)
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a message passes unchanged, and a copy is kept before its sender has the answer', async (t) => {
  const wire = openWire()
  const tap = await wire.tap({ from: 'job', to: 'broker' })
  t.after(() => tap.close())
  tap.connect(await echo(t))
  const answer = await fetch(`${tap.url}/a?b=c%20d`, {
    method: 'POST',
    body: 'x=1',
    headers: { 'x-own': 'yes' },
  })
  const [message] = wire.take()
  assert.equal(answer.status, 207)
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.equal(await answer.text(), `POST /a?b=c%20d ${new URL(tap.url).host} x=1`)
  const { from, to, method, path, body, status, headers } = message ?? ({} as Partial<Message>)
  assert.deepEqual(
    { from, to, method, path, body, status, own: headers?.['x-own'] },
    { from: 'job', to: 'broker', method: 'POST', path: '/a?b=c%20d', body: 'x=1', status: 207, own: 'yes' },
  )
  assert.deepEqual(wire.take(), [])
})

test('messages come in the order in which they began, also when one caused the other', async (t) => {
  const wire = openWire()
  const tap = await wire.tap({ from: 'proxy', to: 'API' })
  t.after(() => tap.close())
  tap.connect(await echo(t))
  await wire.call({ from: 'job', to: 'proxy' }, `${tap.url}/orders`)
  assert.deepEqual(
    wire.take().map(({ from, to }) => `${from} ${to}`),
    ['job proxy', 'proxy API'],
  )
})

test('a place that leads nowhere answers that it cannot', async (t) => {
  const wire = openWire()
  const tap = await wire.tap({ from: 'job', to: 'broker' })
  t.after(() => tap.close())
  assert.equal((await fetch(tap.url)).status, 503)
  tap.connect('http://127.0.0.1:1')
  await assert.rejects(fetch(tap.url))
})

test('what opens a door is shown as a fingerprint only, wherever it stands', () => {
  const secret = token({ aud: 'https://orders.acme.example', sub: 'me', iat: 100, exp: 700 })
  const json = { 'content-type': 'application/json' }
  const base = {
    from: 'a',
    to: 'b',
    method: 'POST',
    path: '/token',
    status: 200,
    answerHeaders: json,
    answer: '{}',
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const messages: Message[] = [
    {
      ...base,
      headers: { ...form, authorization: `Bearer ${secret}` },
      body: `subject_token=${secret}&scope=a`,
    },
    {
      ...base,
      headers: {},
      body: '',
      answer: JSON.stringify({ access_token: 'opaque-secret', lease_id: 'ls_1' }),
    },
    { ...base, headers: {}, body: '', answer: JSON.stringify({ value: secret }) },
    { ...base, headers: {}, body: '', answer: JSON.stringify({ deep: { unexpected: secret } }) },
  ]
  const secrets = openSecrets()
  const shown = messages.flatMap((message) => showMessage(message, secrets)).join('\n')
  assert.ok(!shown.includes(secret) && !shown.includes('opaque-secret'), shown)
  assert.equal(
    shown.match(/sha256:[0-9a-f]{12} \(for https:\/\/orders\.acme\.example, of me, 600 s\)/g)?.length,
    4,
  )
  assert.match(shown, /access_token: sha256:[0-9a-f]{12}\n/)
  assert.match(shown, /lease_id: ls_1/)
  assert.deepEqual([...secrets.all].sort(), ['opaque-secret', secret].sort())
})
