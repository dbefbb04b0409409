import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogLevel, openLogger } from './log.ts'
import { Secret } from './secret.ts'

const jwt = `eyJhbGciOiJub25l.${Buffer.from('{"a":1}').toString('base64url')}.c2ln`

function opened(level: LogLevel = 'info') {
  const lines: string[] = []
  const log = openLogger({ level, now: () => 0, write: (line) => void lines.push(line) })
  return { log, lines, first: () => JSON.parse(lines[0] ?? '{}') as Record<string, unknown> }
}

test('a line is one JSON object with level, time and message', () => {
  const { log, lines, first } = opened()
  log.info('started', { port: 8080 })
  assert.deepEqual(first(), {
    level: 'info',
    time: '1970-01-01T00:00:00.000Z',
    port: 8080,
    message: 'started',
  })
  assert.equal(lines[0]?.at(-1), '\n')
})

test('what is below the level is not written', () => {
  const { log, lines } = opened('warn')
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  assert.equal(lines.length, 2)
})

test('a secret shows as its fingerprint, however deep it is', () => {
  const { log, lines, first } = opened()
  const secret = new Secret('opensesame')
  log.warn('x', { secret, list: [{ deep: { token: secret } }] })
  assert.doesNotMatch(lines[0] ?? '', /opensesame/)
  assert.equal(first()['secret'], secret.toString())
})

test('values under the name of a secret are never written, whatever they are', () => {
  const { log, lines } = opened()
  log.error('x', {
    authorization: 'v1',
    Authorization: ['v2'],
    subject_token: 'v3',
    accessToken: 'v4',
    password: { value: 'v5' },
    client_secret: 'v6',
    request: { headers: { cookie: 'v7', 'x-api-key': 'v8' } },
    PGPASSWORD: 'v9',
    'private-key': 'v10',
    privateKey: 'v11',
  })
  assert.doesNotMatch(lines[0] ?? '', /v\d/)
})

test('texts that look like a secret are cut out, also of errors, their causes and the message', () => {
  const { log, lines } = opened('debug')
  const cause = new Error('connect postgres://admin:hunter2@db/x', {
    cause: new Error(`Authorization: Bearer abcdefghijkl ${jwt}`),
  })
  log.error(`failed with ${jwt}`, {
    cause: new Error(`bad ${jwt}`, { cause }),
    text: `ghs_${'a'.repeat(36)}`,
  })
  const [line] = lines
  assert.doesNotMatch(line ?? '', /hunter2|abcdefghijkl|eyJ|c2ln|aaaaaaa/)
  assert.match(line ?? '', /postgres:\/\/\[credentials\]@db/)
})

test('an error has its name, message, code and causes; its stack at debug only, its other members never', () => {
  const error = Object.assign(new TypeError('no'), { code: 'ECONNREFUSED', query: 'select 1' })
  const info = opened('info')
  info.log.error('x', { cause: new Error('outer', { cause: error }) })
  assert.deepEqual(info.first()['cause'], {
    name: 'Error',
    message: 'outer',
    cause: { name: 'TypeError', message: 'no', code: 'ECONNREFUSED' },
  })
  const debug = opened('debug')
  debug.log.error('x', { cause: error })
  assert.match(debug.lines[0] ?? '', /"stack":"TypeError: no\\n/)
})

test('no value breaks the log or its lines', () => {
  const { log, lines } = opened()
  const ring: Record<string, unknown> = {}
  ring['ring'] = ring
  log.info('a\nb', {
    ring,
    big: 10n,
    run: () => 1,
    bytes: new Uint8Array(9),
    text: 'line\n{"forged":1}',
    none: undefined,
  })
  log.info('x', { long: 'y'.repeat(100_000), many: Array.from({ length: 1000 }, () => 1) })
  log.info('x', { message: 'not the message', level: 'fatal', time: 'never' })
  assert.equal(lines.length, 3)
  for (const line of lines) {
    assert.equal(line.indexOf('\n'), line.length - 1)
    assert.ok(line.length < 5000)
    assert.doesNotThrow(() => JSON.parse(line))
  }
})
