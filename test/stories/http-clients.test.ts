/** Clients that people have, at a route of a broker in a process of its own; and an upload that no memory could hold. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Pool, fetch as undiciFetch } from 'undici'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { debianProgram } from '../fakes/debian-package.ts'
import { githubFor } from '../fakes/github.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, exchange } from '../fakes/requests.ts'
import { runToEnd } from '../fakes/run-to-end.ts'
import { startBrokerProcess } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

async function start(t: TestContext) {
  const heard = { bytes: 0, requests: [] as string[] }
  const upstream = await onLoopback(t, (request, response) => {
    let size = 0
    request.on('data', (piece: Buffer) => {
      size += piece.length
      heard.bytes += piece.length
    })
    request.on('end', () => {
      heard.requests.push(`${request.method} ${request.url} ${size}`)
      response.setHeader('x-size', String(size))
      response.end(`${request.method} ${request.url} ${size}`)
    })
  })
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, upstream })
  const broker = await startBrokerProcess(t, site.config)
  const url = broker.routes.find(({ name }) => name === 'orders')?.url ?? ''
  const token = accessToken(
    await exchange(broker.url, github.idToken({ ...pushJob('production'), aud: site.url }), {
      audience: 'orders-api',
    }),
  )
  return { broker, url, token, heard }
}

test('curl gets, sends, waits for 100-continue, and is told why not', async (t) => {
  const { url, token, heard } = await start(t)
  const program = debianProgram('/usr/bin/curl', 'curl')
  const curl = (...words: string[]) =>
    runToEnd(program, ['-sS', '--noproxy', '*', ...words], {
      env: { PATH: process.env['PATH'] },
      input: 'x'.repeat(100_000),
    })
  const bearer = ['-H', `Authorization: Bearer ${token}`]
  const got = await curl(...bearer, `${url}/orders/7`, `${url}/orders/8`)
  assert.equal(got.stdout, 'GET /orders/7 0GET /orders/8 0', got.stderr)
  const sent = await curl(...bearer, '-H', 'Expect: 100-continue', '-T', '-', `${url}/orders`)
  assert.equal(sent.stdout, 'PUT /orders 100000', sent.stderr)
  const refused = await curl('-i', `${url}/orders/7`)
  assert.match(refused.stdout, /^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer/i)
  assert.equal(heard.requests.length, 3)
})

test('undici: fetch, a pool with pipelined requests, and streams', async (t) => {
  const { url, token } = await start(t)
  const headers = { authorization: `Bearer ${token}` }
  const answer = await undiciFetch(`${url}/orders`, { method: 'POST', headers, body: 'hello' })
  assert.deepEqual([answer.status, await answer.text()], [200, 'POST /orders 5'])
  const pool = new Pool(url, { connections: 2, pipelining: 4 })
  atEnd(t, () => pool.close())
  const paths = Array.from({ length: 40 }, (_, at) => `/orders/${at}`)
  const texts = await Promise.all(
    paths.map(async (path) => (await pool.request({ path, method: 'GET', headers })).body.text()),
  )
  assert.deepEqual(
    texts,
    paths.map((path) => `GET ${path} 0`),
  )
  await pool.stream(
    { path: '/orders', method: 'PUT', headers, body: 'x'.repeat(300_000) },
    ({ headers: got }) => {
      assert.equal(got['x-size'], '300000')
      return new Writable({ write: (_, __, done) => done() })
    },
  )
})

/** The most memory that a process has had, bytes. */
function peak(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

test('two gibibytes of upload pass through, and the broker holds no more than 64 MiB of them', async (t) => {
  const { broker, url, token, heard } = await start(t)
  // Once round, so that everything that is loaded at the first request is there.
  await fetch(`${url}/orders`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
    body: 'x'.repeat(5_000_000),
  })
  heard.bytes = 0
  const idle = peak(broker.pid)
  const total = 2 ** 31
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const head = `PUT /orders HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${total}\r\n\r\n`
  socket.write(head)
  const piece = Buffer.alloc(1 << 20)
  const answered = new Promise<string>((resolve, reject) => {
    socket.once('data', (data: Buffer) => resolve(data.toString()))
    socket.once('error', reject)
  })
  for (let sent = 0; sent < total; sent += piece.length)
    if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve))
  assert.match(await answered, /^HTTP\/1\.1 200 /)
  socket.destroy()
  assert.equal(heard.bytes, total)
  const more = peak(broker.pid) - idle
  t.diagnostic(`${(more / 2 ** 20).toFixed(0)} MiB above idle`)
  assert.ok(more <= 64 * 2 ** 20, `${more} bytes above idle`)
})
