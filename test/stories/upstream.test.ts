/** What the upstream gets of us: who asks, signed; a secret of its own that no caller has; TLS both ways. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { githubFor } from '../fakes/github.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

/** A broker with a route `api` of these settings, and what its upstream saw. */
async function start(
  t: TestContext,
  upstream: string,
  more: string,
  files: Readonly<Record<string, string>> = {},
) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(site.folder, name), text)
  appendFileSync(
    site.config,
    `routes: [{ kind: http, name: api, listen: "127.0.0.1:0", target: orders-api, upstream: "${upstream}", ${more} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const token = accessToken(
    await exchange(broker.url, github.idToken({ ...pushJob('production'), aud: site.url }), {
      audience: 'orders-api',
    }),
  )
  return { broker, token, site, url: broker.routes.find(({ name }) => name === 'api')?.url ?? '' }
}

/** An upstream without TLS that remembers the fields that it got. */
async function remembering(t: TestContext) {
  const seen: string[][] = []
  const url = await onLoopback(t, (request, response) => {
    seen.push(request.rawHeaders)
    response.end('ok')
  })
  const values = (name: string) =>
    (seen.at(-1) ?? []).filter((_, at, all) => at % 2 === 1 && all[at - 1]?.toLowerCase() === name)
  return { url, seen, values }
}

test('the upstream knows by a signature who asks, and nobody else can say it', async (t) => {
  const upstream = await remembering(t)
  const { url, token, broker, site } = await start(t, upstream.url, 'assertion: true')
  const ask = (headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${url}/orders`, { headers: { authorization: `Bearer ${token}`, ...headers } })
  assert.equal((await ask()).status, 200)
  const [said = '', ...more] = upstream.values('x-mayfly-assertion')
  assert.equal(more.length, 0)
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', broker.url))
  const { payload } = await jwtVerify(said, keys, {
    ...{ issuer: site.url, audience: new URL(upstream.url).origin, typ: 'mayfly-assertion+jwt' },
  })
  assert.deepEqual(
    [payload.sub, payload['lease']],
    [upstream.values('x-mayfly-subject')[0], upstream.values('x-mayfly-lease')[0]],
  )
  assert.equal(Number(payload.exp) - Number(payload.iat), 60)
  for (const name of ['X-Mayfly-Assertion', 'X_Mayfly_Assertion', 'x.mayfly.assertion']) {
    await ask({ [name]: 'forged' }).catch(() => undefined)
    assert.deepEqual(upstream.values('x-mayfly-assertion'), [said], 'the same for half a minute')
    assert.doesNotMatch(String(upstream.seen.at(-1)), /forged/)
  }
  // It opens nothing here.
  assert.equal((await fetch(`${url}/orders`, { headers: { authorization: `Bearer ${said}` } })).status, 401)
})

test('a secret of the upstream is put in by the route, in the place of whatever the caller says', async (t) => {
  const cases = [
    ['inject: { bearer: { file: ./secret } }', 'authorization', 'Bearer s3cret-of-the-api'],
    [
      'inject: { basic: { user: mayfly, password: { file: ./secret } } }',
      'authorization',
      `Basic ${Buffer.from('mayfly:s3cret-of-the-api').toString('base64')}`,
    ],
    ['inject: { header: { name: X-Api-Key, value: { file: ./secret } } }', 'x-api-key', 's3cret-of-the-api'],
  ] as const
  for (const [settings, name, wanted] of cases) {
    const upstream = await remembering(t)
    const { url, token, broker } = await start(t, upstream.url, settings, { secret: 's3cret-of-the-api' })
    const headers = { authorization: `Bearer ${token}`, 'x-api-key': 'forged', X_Api_Key: 'forged too' }
    const answer = await fetch(`${url}/orders`, { headers })
    assert.equal(answer.status, 200)
    assert.deepEqual(upstream.values(name), [wanted], settings)
    if (name === 'x-api-key') assert.doesNotMatch(String(upstream.seen.at(-1)), /forged/)
    assert.doesNotMatch(String(upstream.seen.at(-1)), new RegExp(token.slice(-40)))
    assert.doesNotMatch(broker.lines.join(''), /s3cret/)
    assert.equal((await fetch(`${url}/orders`)).status, 401)
    assert.equal(upstream.seen.length, 1)
  }
})

test('a secret that no field can hold stops the start', async (t) => {
  const upstream = await remembering(t)
  await assert.rejects(
    start(t, upstream.url, 'inject: { bearer: { file: ./secret } }', { secret: 'two\nlines' }),
    {
      message: /visible ASCII/,
    },
  )
})

/** A certificate authority with openssl, which signs for loopback and for a client. */
function authority(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-ca-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  const openssl = (...words: string[]) =>
    execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=authority',
    '-days',
    '2',
  )
  const signed = (name: string, ...extension: string[]) => {
    openssl('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    writeFileSync(join(folder, `${name}.ext`), extension.join('\n'))
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
    )
    const text = (end: string) => readFileSync(join(folder, `${name}.${end}`), 'utf8')
    return { cert: text('pem'), key: text('key') }
  }
  return { ca: readFileSync(join(folder, 'ca.pem'), 'utf8'), signed }
}

test('an upstream of our own authority is known, and knows us by our certificate', async (t) => {
  const { ca, signed } = authority(t)
  const server = signed('server', 'subjectAltName = IP:127.0.0.1')
  const client = signed('route', 'extendedKeyUsage = clientAuth')
  const seen: string[] = []
  const upstream = createServer(
    { ...server, ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      seen.push(String((request.socket as TLSSocket).getPeerCertificate().subject['CN']))
      response.end('ok')
    },
  ).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  atEnd(t, () => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const place = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const files = { 'ca.pem': ca, 'client.pem': client.cert, 'client.key': client.key }
  const both =
    'upstream_tls: { ca: { file: ./ca.pem }, certificate: { file: ./client.pem }, key: { file: ./client.key } }'
  const status = async (settings: string) => {
    const { url, token } = await start(t, place, settings, files)
    return (await fetch(`${url}/orders`, { headers: { authorization: `Bearer ${token}` } })).status
  }
  assert.equal(await status(both), 200)
  assert.deepEqual(seen, ['route'])
  assert.equal(await status('upstream_tls: { ca: { file: ./ca.pem } }'), 502, 'it does not know us')
  assert.equal(
    await status('upstream_tls: { certificate: { file: ./client.pem }, key: { file: ./client.key } }'),
    502,
    'nobody vouches for it',
  )
  assert.deepEqual(seen, ['route'])
  await assert.rejects(status('upstream_tls: { certificate: { file: ./client.pem } }'), /needs its key/)
})
