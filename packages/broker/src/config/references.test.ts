import assert from 'node:assert/strict'
import { test } from 'node:test'
import { change, good, load, problems } from '../../test/configuration.ts'
import { formatProblems } from './problem.ts'

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
