import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { selfSigned } from '../../../../test/fakes/certificate.ts'
import { change, env, loaded, problems } from '../../test/configuration.ts'

const { cert, key } = selfSigned('127.0.0.1')
const known = { ...env, CERT: cert, KEY: key, CA: cert }
const upstream = 'upstream: http://127.0.0.1:3000,'
const secure = (tls: string) => change(upstream, `upstream: https://127.0.0.1:3000, upstream_tls: ${tls},`)
const both = '{ certificate: { env: CERT }, key: { env: KEY } }'

test('certificates and keys that are none stop the start, and the fault shows nothing of them', async () => {
  const foreign = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
  const cases: readonly [tls: string, changed: Record<string, string>, message: RegExp][] = [
    ['{ ca: { env: CA } }', { CA: 'nonsense-7f3a' }, /ca` is not made of certificates in PEM/],
    ['{ ca: { env: CA } }', { CA: key }, /ca` is not made of certificates/],
    ['{ ca: { env: CA } }', { CA: cert + cert.replace(/MII/, 'XXX') }, /ca` is not made of certificates/],
    [both, { CERT: 'nonsense-7f3a' }, /certificate` is not made of certificates/],
    [both, { KEY: 'nonsense-7f3a' }, /key` is no private key in PEM/],
    [both, { KEY: String(foreign) }, /key` is not the key of the first certificate/],
  ]
  for (const [tls, changed, message] of cases) {
    const found = await problems(secure(tls), { env: { ...known, ...changed } })
    assert.equal(found.length, 1, tls)
    assert.match(found[0] ?? '', message)
    assert.doesNotMatch(found.join(), /7f3a|BEGIN|MII/)
  }
})

test('good ones are taken, by routes of both kinds', async () => {
  const postgres =
    '  - { kind: postgres, name: db, listen: 127.0.0.1:9432, target: orders-api, tls: { certificate: { env: CERT }, key: { env: KEY } } }\n'
  const text = secure(both).replace('audit:', `${postgres}audit:`)
  await loaded(text, { env: known })
  assert.match(
    (await problems(text, { env: { ...known, KEY: cert } })).join('\n'),
    /upstream_tls\.key.*\n.*tls\.key/s,
  )
})

test('TLS towards an upstream of plain http is refused, not forgotten', async () => {
  const text = change(upstream, `${upstream} upstream_tls: { ca: { env: CA } },`)
  assert.match((await problems(text, { env: known })).join(), /upstream_tls`: needs an `upstream` of https/)
})

test('no secret goes in by a field that frames the message or belongs to a connection', async () => {
  for (const name of [
    'Upgrade',
    'TE',
    'expect',
    'Keep-Alive',
    'Trailer',
    'Via',
    'Proxy-Authorization',
    'HOST',
  ]) {
    const text = change(upstream, `${upstream} inject: { header: { name: ${name}, value: { env: CA } } },`)
    assert.match((await problems(text, { env: known })).join(), /is one that the route says itself/, name)
  }
  for (const name of ['X-Api-Key', 'Cookie', 'Api-Token', 'Tea', 'Date'])
    await loaded(change(upstream, `${upstream} inject: { header: { name: ${name}, value: { env: CA } } },`), {
      env: known,
    })
})
