import assert from 'node:assert/strict'
import { test } from 'node:test'
import { change, env, good, loaded, problems, without } from '../../test/configuration.ts'
import { Secret } from '../base/secret.ts'
import { loadConfig } from './load.ts'
import { formatProblems } from './problem.ts'

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

test('what comes with a later version says so, and may be there empty', async () => {
  assert.match(
    (await problems(change('audit: {', 'audit: { witness: [a],')))[0] ?? '',
    /`audit.witness`: a witness comes with a later version/,
  )
  await loaded(`${good}connections: { postgres: { staging: { url: { env: ORDERS } } } }\n`)
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

test('a store without a file is refused', async () => {
  const [fault, ...more] = await problems(change('./mayfly.db', "':memory:'"))
  assert.equal(fault, '4:30 `store.path`: must be a file: what is kept must outlive the broker')
  assert.deepEqual(more, [])
})

test('a statement that would place a value inside quotes is refused where it stands', async () => {
  const connection = (statements: string) =>
    `${good}connections: { mysql: { staging: { url: { env: ORDERS }, ${statements} } } }\n`
  const made = await loaded(
    connection('create_statements: ["CREATE USER {{name}} IDENTIFIED BY {{password}}"]'),
  )
  assert.equal(made.connections.mysql['staging']?.create_statements?.length, 1)
  const [fault, ...more] = await problems(connection(`drop_statements: ["CALL ended('{{name}}')"]`))
  assert.match(
    fault ?? '',
    /^\d+:\d+ `connections.mysql.staging.drop_statements\[0\]`: has a place inside quotes; leave the quotes out/,
  )
  assert.deepEqual(more, [])
})
