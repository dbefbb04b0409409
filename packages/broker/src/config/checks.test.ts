import assert from 'node:assert/strict'
import { test } from 'node:test'
import { change, good, loaded, problems } from '../../test/configuration.ts'

test('our URL is https, plain, and nobody else', async () => {
  const faults: readonly [string, RegExp][] = [
    ['http://mayfly.example.com', /must be https/],
    ['https://mayfly.example.com/', /slash/],
    ['https://mayfly.example.com?a=1', /query/],
    ['https://mayfly.example.com#a', /query or a fragment/],
    ['https://a:b@mayfly.example.com', /credentials/],
    ['https://Mayfly.example.com', /plainly/],
    ['https://mayfly.example.com:443', /plainly/],
    ['https://mayfly.example.com/a/../b', /plainly/],
    ['mayfly.example.com', /write it like/],
    ['sts.amazonaws.com', /write it like/],
    ['https://sts.amazonaws.com', /another party/],
    ['https://github.com/acme', /another party/],
    ['api://AzureADTokenExchange', /write it like/],
    ['sigstore', /write it like/],
  ]
  for (const [url, message] of faults) {
    const found = await problems(change('https://mayfly.example.com', url))
    assert.match(found[0] ?? '', /^2:6 /, url)
    assert.match(found.join('\n'), message, url)
  }
  for (const url of [
    'https://a.example/mayfly',
    'https://a.example:8443',
    'http://127.0.0.1:8080',
    'http://localhost:1',
  ]) {
    await loaded(change('https://mayfly.example.com', url))
  }
})

test('two issuers with one URL, and ourselves as issuer, are refused', async () => {
  const twice = change(
    'preset: github-actions }',
    'preset: github-actions }\n  again: { preset: github-actions }',
  )
  assert.match((await problems(twice))[0] ?? '', /^8:10 `issuers.again` has the same issuer as `github`/)
  const spelled = change(
    'preset: github-actions }',
    'preset: github-actions }\n  again: { preset: github-actions, issuer: "https://token.actions.githubusercontent.com" }',
  )
  assert.match((await problems(spelled))[0] ?? '', /same issuer/)
  const platforms = 'preset: github-actions }\n  gitlab: { preset: gitlab }\n  google: { preset: google }'
  await loaded(change('preset: github-actions }', platforms))
  const nameless = change(
    'preset: github-actions }',
    'preset: github-actions }\n  circle: { preset: circleci }',
  )
  assert.match((await problems(nameless))[0] ?? '', /^8:11 `issuers.circle` needs `issuer`/)
  const self = change(
    'preset: github-actions',
    'preset: github-actions, issuer: "https://mayfly.example.com"',
  )
  assert.match((await problems(self))[0] ?? '', /this broker itself/)
  assert.match((await problems(change('  github: { preset: github-actions }', '  {}')))[0] ?? '', /no issuer/)
  assert.match((await problems(change('github: { preset', 'GitHub: { preset')))[0] ?? '', /lower-case/)
})

test('two listeners on one address, and two things with one name, are refused', async () => {
  assert.match((await problems(change('127.0.0.1:9090', '127.0.0.1:8080')))[0] ?? '', /taken by `listen`/)
  assert.match((await problems(change('127.0.0.1:9090', '0.0.0.0:8080')))[0] ?? '', /taken by `listen`/)
  assert.match((await problems(change('127.0.0.1:9090', 'here')))[0] ?? '', /address/)
  assert.match((await problems(change('127.0.0.1:8080', '127.0.0.1:99999')))[0] ?? '', /address/)
  const twice = `${good}  - { name: orders, target: other-api, secret: { env: ORDERS } }\n`
  assert.match((await problems(twice))[0] ?? '', /^16:13 .*used twice/)
  await loaded(good.replaceAll(/127.0.0.1:\d+$/gm, '127.0.0.1:0'))
})

test('plain http is refused where other machines reach the broker', async () => {
  const plain = change('https://mayfly.example.com', 'http://localhost:8080')
  for (const host of ['0.0.0.0', '[::]', '10.0.0.5', 'mayfly.internal']) {
    const text = plain.replace('127.0.0.1:8080', host.startsWith('[') ? `"${host}:8080"` : `${host}:8080`)
    assert.match((await problems(text)).join('\n'), /^3:9 `listen` is reached from other machines/, host)
    await loaded(text.replace('http://localhost:8080', 'https://mayfly.example.com'))
  }
  for (const host of ['localhost', '127.0.0.2', '"[::1]']) {
    await loaded(plain.replace('127.0.0.1:8080', host.startsWith('"') ? `${host}:8080"` : `${host}:8080`))
  }
})

test('a place of keys that could never be read is refused at the start', async () => {
  const at = (uri: string, more = '') =>
    change('preset: github-actions', `preset: github-actions, jwks_uri: "${uri}"${more}`)
  const faults: readonly [string, RegExp][] = [
    [at('keys.example.com/jwks'), /not a URL/],
    [at(''), /not a URL/],
    [at('http://keys.example.com/jwks'), /must be https/],
    [at('http://127.0.0.1:1/jwks'), /must be https/],
    [at('http://keys.example.com/jwks', ', dangerously_allow_http: true'), /must be https/],
    [at('file:///etc/keys'), /must be https/],
    [at('https://a:b@keys.example.com/jwks'), /credentials/],
    [at('https://keys.example.com/jwks#one'), /fragment/],
    [at('https://10.0.0.1/jwks'), /not public/],
    [at('https://127.0.0.1/jwks'), /not public/],
    [at('https://169.254.169.254/jwks', ', private_network: true'), /not public/],
    [at('https://keys.example.com/jwks', ', jwks: { keys: [{ kid: a }] }'), /never be read/],
  ]
  for (const [text, message] of faults) {
    const [first] = await problems(text)
    assert.match(first ?? '', /^7:\d+ `issuers.github.jwks_uri` /, text)
    assert.match(first ?? '', message, text)
  }
  for (const text of [
    at('https://keys.example.com:8443/a/jwks?tenant=1'),
    at('https://10.0.0.1/jwks', ', private_network: true'),
    at('http://127.0.0.1:1/jwks', ', dangerously_allow_http: true'),
    at('http://localhost:1/jwks', ', dangerously_allow_http: true'),
  ]) {
    await loaded(text)
  }
})

test('a route goes through a connector that is there, and names of both mean one thing', async () => {
  const route = (name: string, via: string) =>
    change(
      /routes:\n.*/.exec(good)?.[0] ?? '',
      `connectors: { office: { target: connectors } }\nroutes:\n  - { kind: http, name: ${name}, listen: 127.0.0.1:9090, upstream: http://orders, target: orders-api, via: ${via} }`,
    )
  await loaded(route('orders', 'office'))
  assert.match(
    (await problems(route('orders', 'lab'))).join('\n'),
    /needs the connector `lab`, which is not there/,
  )
  assert.match((await problems(route('office', 'office'))).join('\n'), /is the name of a connector too/)
})
