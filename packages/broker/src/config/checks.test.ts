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
