import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../base/secret.ts'
import { loadConfig } from './load.ts'
import { formatProblems } from './problem.ts'

const good = `
url: https://mayfly.example.com
listen: 127.0.0.1:8080
store: { kind: sqlite, path: ./mayfly.db }
keys: { algorithm: ES256, rotate_every: 24h, encryption: { env: MASTER } }
issuers:
  github: { preset: github-actions }
policies: ./policies
webhooks:
  github: { secret: { file: hook.secret } }
routes:
  - { kind: http, name: orders, listen: 127.0.0.1:9090, upstream: http://127.0.0.1:3000, target: orders-api }
audit: { reader: { env: READER } }
introspection:
  - { name: orders, target: orders-api, secret: { env: ORDERS } }
`
const env = { MASTER: 'm'.repeat(44), READER: 'r'.repeat(32), ORDERS: 'o'.repeat(32) }
const files: Record<string, string> = { '/etc/mayfly/hook.secret': `${'h'.repeat(32)}\n` }

function load(text: string, changes: { env?: Record<string, string | undefined> } = {}) {
  const read = async (path: string) => {
    const found = path === '/etc/mayfly/mayfly.yaml' ? text : files[path]
    if (found === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' })
    return found
  }
  return loadConfig({
    path: '/etc/mayfly/mayfly.yaml',
    readText: read,
    readFile: read,
    env: { ...env, ...changes.env },
  })
}

async function loaded(text: string) {
  const result = await load(text)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config
}

/** Problems as `line:column message`. */
async function problems(text: string, changes = {}) {
  const result = await load(text, changes)
  assert.ok(!result.ok, 'it loaded')
  return result.problems.map((each) => `${each.line}:${each.column} ${each.message}`)
}

const without = (line: RegExp) => good.replace(line, '')
const change = (from: string, to: string) => {
  assert.ok(good.includes(from))
  return good.replace(from, to)
}

test('a good file becomes a configuration with secrets, seconds, addresses and absolute paths', async () => {
  const config = await loaded(good)
  assert.equal(config.url, 'https://mayfly.example.com')
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
  assert.deepEqual(config.store, { kind: 'sqlite', path: '/etc/mayfly/mayfly.db' })
  assert.equal(config.policies, '/etc/mayfly/policies')
  assert.equal(config.keys.rotate_every, 86_400)
  assert.ok(config.keys.encryption instanceof Secret)
  assert.ok(config.keys.encryption.equals(env.MASTER))
  assert.ok(config.webhooks.github?.secret.equals('h'.repeat(32)), 'without the line end of the file')
  assert.ok(config.introspection[0]?.secret.equals(env.ORDERS))
  assert.equal(config.limits.exchanges_per_job, 32)
})

test('what may be left out has a default', async () => {
  const config = await loaded(
    'url: https://a.example\nstore: { kind: sqlite, path: a.db }\nkeys: { encryption: { env: MASTER } }\n' +
      'issuers: { github: { preset: github-actions } }\n',
  )
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
  assert.equal(config.policies, '/etc/mayfly/policies')
  assert.deepEqual(config.routes, [])
  assert.equal(config.webhooks.github, undefined)
  assert.equal(config.audit.reader, undefined)
})

test('all faults come at once, in the order of the file, each with its place', async () => {
  const text = good
    .replace('listen: 127.0.0.1:8080', 'lisen: 127.0.0.1:8080')
    .replace('24h', 'daily')
    .replace('kind: sqlite', 'kind: redis')
    .replace('name: orders, target', 'name: Orders, target')
  assert.deepEqual(await problems(text), [
    '3:1 unknown key `lisen`; did you mean `listen`?',
    '4:16 `store.kind` is not known; write `sqlite` or `postgres`',
    '5:41 `keys.rotate_every`: `daily` is not a duration; write 90s, 15m, 24h or 7d',
    '15:13 `introspection[0].name`: must be lower-case letters, digits and hyphens, and start with a letter',
  ])
})

test('a missing part is named at the map that lacks it', async () => {
  assert.deepEqual(await problems(without(/^url.*\n/m)), ['2:1 `url` is missing'])
  assert.deepEqual(
    await problems(change('algorithm: ES256, rotate_every: 24h, encryption: { env: MASTER }', '')),
    ['5:1 `keys.encryption` is missing; write { env: NAME } or { file: PATH }'],
  )
  assert.deepEqual(await problems(change('kind: sqlite, ', '')), [
    '4:1 `store.kind` is missing; write `sqlite` or `postgres`',
  ])
  assert.match((await problems(''))[0] ?? '', /the file must be a map/)
})

test('a literal secret is refused with how to write it, and is never shown', async () => {
  const literals = [
    change('{ env: MASTER }', '"hunter2-hunter2"'),
    change('{ env: MASTER }', '{ value: hunter2-hunter2 }'),
    change('{ env: MASTER }', '[hunter2-hunter2]'),
    change('{ env: MASTER }', '{ env: "hunter2-hunter2" }'),
    change('{ file: hook.secret }', '|\n    hunter2-hunter2\n'),
    change(
      '{ kind: sqlite, path: ./mayfly.db }',
      '{ kind: postgres, url: "postgres://a:hunter2@b", colour: hunter2 }',
    ),
    change('{ kind: sqlite, path: ./mayfly.db }', '{ kind: postgres, url: "postgres://a:hunter2@b'),
    change('{ kind: sqlite, path: ./mayfly.db }', '{ kind: sqlite, path: a, password: hunter2 }'),
    `${good}pasword: hunter2\n`,
    `${good}keys: hunter2\n`,
    `${good}connections: { auth0: { acme: { client_secret: hunter2 } } }\n`,
    `${good}"hunter2`,
    `${good}hunter2: : hunter2`,
    change('url: https://mayfly.example.com', 'url: https://a:hunter2@mayfly.example.com'),
    'hunter2',
    '- hunter2',
    '&hunter2 a: *hunter2',
    'a: "x" hunter2',
    '%hunter2\na: 1',
    'a: |hunter2\n x',
    'a: !hunter2 x',
    '{a: b}} hunter2',
    '!e!hunter2 x',
  ]
  for (const text of literals) {
    const result = await load(text)
    assert.ok(!result.ok, text)
    assert.ok(result.problems.length > 0)
    assert.doesNotMatch(formatProblems(result.problems), /hunter2/, text)
  }
  const [first] = await problems(literals[0] ?? '')
  assert.equal(
    first,
    '5:58 `keys.encryption` must be a reference, because a secret never stands in this file; write { env: NAME } or { file: PATH }',
  )
})

test('a reference to nothing, or to an empty or short secret, is named', async () => {
  assert.deepEqual(await problems(good, { env: { MASTER: undefined } }), [
    '5:58 the environment variable MASTER is not set',
  ])
  assert.deepEqual(await problems(good, { env: { MASTER: ' ' } }), [
    '5:58 the environment variable MASTER is empty',
  ])
  assert.match((await problems(good, { env: { ORDERS: 'short' } }))[0] ?? '', /shorter than 16 characters/)
  assert.match((await problems(good, { env: { READER: `${'r'.repeat(20)} x` } }))[0] ?? '', /bearer/)
  assert.deepEqual(await problems(change('hook.secret', 'gone.secret')), [
    '10:21 the file /etc/mayfly/gone.secret cannot be read (ENOENT)',
  ])
})

test('a key that stands twice, anchors, tags, and text that is not YAML are refused', async () => {
  assert.deepEqual(await problems(`${good}url: https://b.example\n`), ['16:1 this key stands here twice'])
  for (const text of [
    'a: &x 1\nb: *x\n',
    'a: !!binary aGk=\n',
    'a: !secret x\n',
    '---\na: 1\n---\nb: 1\n',
    'a: [1',
    '\t- x',
    '? [a]\n: b',
  ]) {
    assert.ok((await problems(text)).length > 0, text)
  }
  assert.match((await problems(`${good}audit2: { <<: *x }\n`))[0] ?? '', /^16:/)
})

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

test('what comes with a later version says so, and may be there empty', async () => {
  const text = `${good}connections: { postgres: { staging: { url: { env: ORDERS } } } }\n`
  assert.match((await problems(text))[0] ?? '', /^16:1. .*later version/)
  assert.match(
    (await problems(change('audit: {', 'audit: { witness: [a],')))[0] ?? '',
    /`audit.witness`: a witness comes with a later version/,
  )
  await loaded(`${good}connections: {}\n`)
})

test('a file that is not there is one problem', async () => {
  const result = await loadConfig({
    path: 'none.yaml',
    readText: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' })),
    readFile: () => Promise.reject(new Error('no')),
    env: {},
  })
  assert.ok(!result.ok)
  assert.equal(formatProblems(result.problems), 'none.yaml: the file cannot be read (ENOENT)')
})

test('the place of a fault is shown with every other value blotted out', async () => {
  const result = await load(
    change('24h, encryption: { env: MASTER } }', 'daily, encryption: { env: MASTER } } # ask Sam'),
  )
  assert.ok(!result.ok)
  assert.equal(
    formatProblems(result.problems.slice(0, 1)),
    [
      '/etc/mayfly/mayfly.yaml:5:41: `keys.rotate_every`: `daily` is not a duration; write 90s, 15m, 24h or 7d',
      '  5 | keys: { algorithm: *****, rotate_every: daily, encryption: { env: ****** } }',
      '    |                                         ^^^^^',
    ].join('\n'),
  )
})

test('whatever is done to the file, it loads or says where it is wrong; it never throws', async () => {
  const pieces = fc.constantFrom(
    '',
    ':',
    '{',
    '}',
    '[',
    '- ',
    '"',
    '\n',
    '\n  ',
    '&a ',
    '*a',
    '!!map',
    '|',
    '\t',
    '\u0000',
    'x',
  )
  const edit = fc.tuple(fc.nat(good.length), fc.nat(12), pieces)
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const text = edits.reduce(
        (rest, [at, cut, piece]) => rest.slice(0, at) + piece + rest.slice(at + cut),
        good,
      )
      const result = await load(text)
      if (!result.ok) assert.ok(result.problems.length > 0 && formatProblems(result.problems).length > 0)
    }),
    { numRuns: 300 },
  )
})
