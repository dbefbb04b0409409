import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import { secretAges, secretWarnings } from './age.ts'
import { openSecretTarget } from './secret.ts'
import { secretConnection } from './settings.ts'

const value = `npm_${randomBytes(18).toString('hex')}`

function grantOf(over: Partial<Grant> = {}): Grant {
  const now = Math.floor(Date.now() / 1000)
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
    target: 'publish',
    kind: 'secret',
    settings: 'npm-publish',
    scopes: [],
    issuedAt: now,
    expiresAt: now + 600,
    ...over,
  }
}

const open = () => openSecretTarget({ connections: { 'npm-publish': { value: new Secret(value) } } })

testTarget('secret', { open: async () => open(), grant: grantOf, same: true })

test('the secret comes as it is, as no bearer token, by its name or a map with its name', async () => {
  for (const settings of ['npm-publish', { name: 'npm-publish' }]) {
    const issued = await open().issue(grantOf({ settings }), null)
    assert.equal(issued.token.reveal(), value)
    assert.equal(issued.tokenType, 'N_A')
    assert.equal(issued.parts, undefined)
  }
})

test('a secret that is not configured is refused before anything is written', () => {
  for (const settings of [
    'other',
    'constructor',
    '',
    { name: 'npm-publish', key: 'x' },
    {},
    null,
    ['npm-publish'],
  ])
    assert.throws(() => open().prepare(grantOf({ settings })), { code: 'target_refused' })
})

test('nobody is told that the end of the lease ends the secret', () => {
  assert.equal(open().revoke, undefined)
  assert.match(open().outlives?.(null) ?? '', /still the same/)
})

test('a connection is a reference, with a day or without one, and nothing else', () => {
  assert.deepEqual(secretConnection.parse({ file: './npm', last_replaced: '2026-10-01' }), {
    value: { file: './npm' },
    last_replaced: '2026-10-01',
  })
  assert.deepEqual(secretConnection.parse({ env: 'NPM' }).value, { env: 'NPM' })
  for (const wrong of [
    'npm_1234',
    { value: 'npm_1234' },
    { env: 'NPM', file: './npm' },
    { env: 'A-B' },
    { env: 'NPM', last_replaced: '2026-13-01' },
    { env: 'NPM', last_replaced: 'yesterday' },
  ])
    assert.ok(!secretConnection.safeParse(wrong).success, JSON.stringify(wrong))
})

const now = Date.parse('2026-11-23T12:00:00Z')
const used = new Set(['a'])

test('a secret is warned of when it is older than 90 days, and not before', () => {
  const warnings = (day: string) => secretWarnings({ a: { last_replaced: day } }, used, now)
  assert.deepEqual(warnings('2026-08-26'), [])
  assert.deepEqual(warnings('2026-08-25'), [
    'connections.secret.a was last replaced on 2026-08-25, 90 days ago: replace it, or what uses it',
  ])
  assert.deepEqual(warnings('2026-11-24'), [], 'a zone ahead of ours')
  assert.deepEqual(warnings('2026-11-25'), [
    'connections.secret.a.last_replaced is 2026-11-25, which has not come yet',
  ])
})

test('a secret without a day and one that nobody gets are warned of', () => {
  assert.deepEqual(secretWarnings({ a: {}, b: { last_replaced: '2026-11-01' } }, used, now), [
    'connections.secret.a has no last_replaced: nobody can tell how old it is',
    'connections.secret.b is released by no target of the policy; take it out',
  ])
})

test('ages are in seconds, and never negative', () => {
  const connections = { a: { last_replaced: '2026-11-22' }, b: { last_replaced: '2027-01-01' }, c: {} }
  assert.deepEqual(
    [...secretAges(connections, now)],
    [
      ['a', 129_600],
      ['b', 0],
    ],
  )
})
