/** An upstream that runs in several places: requests go to those that are well, and none is lost that need not be. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { selfSigned } from '../fakes/certificate.ts'
import { githubFor } from '../fakes/github.ts'
import { serverOnLoopback } from '../fakes/on-loopback.ts'
import { accessToken, ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

async function start(t: TestContext, settings: string, files: Readonly<Record<string, string>> = {}) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(site.folder, name), text)
  appendFileSync(
    site.config,
    `routes: [{ kind: http, name: api, listen: "127.0.0.1:0", target: orders-api, idle_timeout: 2s, ${settings} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const token = accessToken(
    await exchange(broker.url, github.idToken({ ...pushJob('production'), aud: site.url }), {
      audience: 'orders-api',
    }),
  )
  const url = broker.routes.find(({ name }) => name === 'api')?.url ?? ''
  const say = (method = 'GET', body?: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(`${url}/orders`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body }),
    })
  return { broker, token, url, say }
}

/** Places that say their number; each can be told what else to do. */
async function places(t: TestContext, count: number) {
  const seen: string[] = []
  const found: { url: string; server: Server; listener: RequestListener | undefined }[] = []
  for (let at = 0; at < count; at++) {
    const place = await serverOnLoopback(t, (request, response) => {
      const { listener } = found[at] ?? {}
      if (listener !== undefined) return listener(request, response)
      if (request.url !== '/well') seen.push(`${at} ${request.method}`)
      request.resume()
      response.end(String(at))
    })
    found.push({ ...place, listener: undefined })
  }
  return { seen, found, list: `[${found.map(({ url }) => `"${url}"`).join(', ')}]` }
}

const gone = ({ server }: { server: Server }) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

test('each place has its turn, and a request that one cannot have seen goes to another', async (t) => {
  const { seen, found, list } = await places(t, 3)
  const { say, broker } = await start(t, `upstream: ${list}`)
  for (let turn = 0; turn < 6; turn++) assert.equal((await say()).status, 200)
  assert.deepEqual([...new Set(seen)].toSorted(), ['0 GET', '1 GET', '2 GET'])
  const [first] = found
  assert.ok(first)
  await gone(first)
  seen.length = 0
  for (let turn = 0; turn < 6; turn++) {
    assert.equal((await say('POST')).status, 200, 'nothing of it was sent')
  }
  for (let turn = 0; turn < 6; turn++) {
    assert.equal((await say()).status, 200)
  }
  assert.ok(seen.every((line) => !line.startsWith('0')))
  assert.match(broker.lines.join(''), /could not be reached and rests/)
  for (const place of found.slice(1)) await gone(place)
  assert.equal((await say()).status, 502)
})

test('what may have been seen is sent again only where that changes nothing', async (t) => {
  const { found, list } = await places(t, 2)
  const { say } = await start(t, `upstream: ${list}`)
  const reached: string[] = []
  const [bad, good] = found
  assert.ok(bad && good)
  bad.listener = (request) => {
    reached.push(`${request.method}`)
    request.socket.destroy()
  }
  const statuses = async (method: string, body?: string) => {
    const got = [await say(method, body), await say(method, body)]
    return got.map(({ status }) => status).toSorted()
  }
  assert.deepEqual(await statuses('GET'), [200, 200])
  assert.deepEqual(await statuses('POST'), [200, 502], 'it may have been done')
  assert.deepEqual(await statuses('PUT', 'body'), [200, 502])
  assert.ok(reached.includes('POST') && reached.filter((method) => method === 'POST').length === 1)
})

test('a place that does not answer well is left out until it does', async (t) => {
  const { seen, found, list } = await places(t, 2)
  const [sick] = found
  assert.ok(sick)
  let isSick = true
  const asked: Record<string, unknown>[] = []
  sick.listener = (request, response) => {
    if (request.url === '/well') {
      asked.push({ ...request.headers })
      response.statusCode = isSick ? 500 : 204
      response.end()
    } else {
      seen.push('0')
      response.end('0')
    }
  }
  const settings = `upstream: ${list}, health: { path: /well, interval: 1s, timeout: 1s }`
  const { say, broker, token } = await start(t, settings)
  const until = async (words: RegExp) => {
    for (let turn = 0; turn < 400 && !words.test(broker.lines.join('')); turn++)
      await new Promise((resolve) => setTimeout(resolve, 25))
    assert.match(broker.lines.join(''), words)
  }
  await until(/an upstream is not well/)
  seen.length = 0
  for (let turn = 0; turn < 8; turn++) assert.equal((await say()).text, '1')
  isSick = false
  await until(/an upstream is well again/)
  const texts = [await say(), await say()].map(({ text }) => text)
  assert.deepEqual(texts.toSorted(), ['0', '1'])
  assert.doesNotMatch(JSON.stringify(asked), new RegExp(token.slice(-20)))
  assert.deepEqual(
    Object.keys(asked[0] ?? {}).filter((name) => /^(?:x-|authorization)/.test(name)),
    [],
  )
})

test('an upstream is known by the name that it has to prove, wherever it is dialled', async (t) => {
  const { cert, key } = selfSigned('127.0.0.1')
  const named = selfSigned('127.0.0.1', Date.now(), 'orders.internal.example')
  const heard: unknown[] = []
  const serve = async (tls: { cert: string; key: string }) => {
    const server = createServer(
      { ...tls, SNICallback: (name, done) => done(null, void heard.push(name)) },
      (_, response) => response.end('ok'),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    atEnd(t, () => {
      server.closeAllConnections()
      server.close()
    })
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const status = async (upstream: string, ca: string, more: string) => {
    const { say } = await start(
      t,
      `upstream: "${upstream}", upstream_tls: { ca: { file: ./ca.pem }${more} }`,
      {
        'ca.pem': ca,
      },
    )
    return (await say()).status
  }
  const wanted = ', server_name: orders.internal.example'
  assert.equal(await status(await serve({ cert: named.cert, key: named.key }), named.cert, wanted), 200)
  assert.deepEqual(heard, ['orders.internal.example'])
  assert.equal(await status(await serve({ cert, key }), cert, wanted), 502, 'it proves another name')
})

test('places that do not belong together are refused at the start', async (t) => {
  for (const [settings, fault] of [
    ['upstream: ["http://127.0.0.1:1", "https://127.0.0.1:2"]', /mixes http and https/],
    ['upstream: ["http://127.0.0.1:1", "http://127.0.0.1:1"]', /twice/],
    ['upstream: []', /upstream/],
    ['upstream: "http://127.0.0.1:1", health: { path: well }', /must be a path/],
    ['upstream: "https://127.0.0.1:1", upstream_tls: { server_name: "A b" }', /host name/],
  ] as const)
    await assert.rejects(start(t, settings), fault)
})
