/** Hostile requests at a route of a whole broker: refused, with the reason in the log, and nothing at the upstream. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'
import { hostileRequests, hostilePolicy as policy } from './hostile-http.ts'

/** Sends bytes and reads until the other side closes. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write(bytes, 'latin1')
  })
}

test('sixty hostile requests: refused, recorded with the reason, never at the upstream', async (t) => {
  const reached: string[] = []
  const upstream = await onLoopback(t, (request, response) => {
    reached.push(`${request.method} ${request.url}`)
    request.resume()
    response.end('order')
  })
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, upstream })
  const broker = await runBroker(t, site.config)
  const url = broker.routes.find(({ name }) => name === 'orders')?.url ?? ''
  const token = async () =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), {
        audience: 'orders-api',
      }),
    )
  assert.ok(hostileRequests.length >= 40, `${hostileRequests.length}`)
  let bearer = await token()
  for (const [at, { head, body = '' }] of hostileRequests.entries()) {
    // Of one lease, thirty refusals at once have an entry each.
    if (at % 20 === 19) bearer = await token()
    const lines = [...head, 'Connection: close'].map((line) => line.replaceAll('TOKEN', bearer))
    const answer = await raw(url, `${lines.join('\r\n')}\r\n\r\n${body.replaceAll('TOKEN', bearer)}`)
    assert.match(
      answer,
      /^HTTP\/1\.1 (4\d\d|501) /,
      `${head.join(' | ').slice(0, 200)}: ${answer.slice(0, 100)}`,
    )
    assert.equal(answer.match(/HTTP\/1\.1 [0-9]{3} /g)?.length, 1, head.join(' | '))
    assert.deepEqual(reached, [], head.join(' | '))
  }
  const good = await raw(
    url,
    `GET /orders/1 HTTP/1.1\r\nHost: orders.example\r\nAuthorization: Bearer ${bearer}\r\nConnection: close\r\n\r\n`,
  )
  assert.match(good, /^HTTP\/1\.1 200 /)
  assert.deepEqual(reached, ['GET /orders/1'])
  const { entries, text } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'route.refused')
  assert.equal(refused.length, hostileRequests.length)
  for (const [at, { head, reason }] of hostileRequests.entries()) {
    const { code = '', reason: why = '', detail = '' } = refused[at] ?? {}
    assert.match(`${code} ${why} ${detail}`, reason, head.join(' | ').slice(0, 200))
  }
  assert.doesNotMatch(text, new RegExp(bearer.slice(-40)))
})
