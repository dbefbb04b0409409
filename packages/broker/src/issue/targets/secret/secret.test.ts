import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Grant } from '../../../domain.ts'
import { IssueFailure } from '../../target.ts'
import { secretAges, secretWarnings } from './age.ts'
import { openSecretTarget, type SecretConnection } from './secret.ts'
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

const inPlace = { 'npm-publish': { value: new Secret(value) } }

function open(
  connections: Readonly<Record<string, SecretConnection>> = inPlace,
  read = async (name: string) => new Secret(`${name} ${value}`),
  connection: string | undefined = undefined,
) {
  return openSecretTarget({ connections, sealed: { read, connection } })
}

const openSealed = (read?: (name: string) => Promise<Secret>, connection?: string) =>
  open({ 'npm-publish': { sealed: true }, other: { value: new Secret(value) } }, read, connection)

testTarget('secret', { open: async () => open(), grant: grantOf, same: true })
testTarget('secret, sealed', { open: async () => openSealed(), grant: grantOf, same: true })

test('a sealed secret is what the store has at that moment, and its use is to be counted', async () => {
  const values = ['first', 'second']
  const target = openSealed(async (name) => new Secret(`${name} ${values.shift()}`))
  for (const expected of ['npm-publish first', 'npm-publish second']) {
    const issued = await target.issue(grantOf(), null)
    assert.equal(issued.token.reveal(), expected)
    assert.equal(issued.used, 'npm-publish')
    assert.equal(issued.tokenType, 'N_A')
  }
  const inFile = await target.issue(grantOf({ settings: 'other' }), null)
  assert.deepEqual([inFile.token.reveal(), inFile.used], [value, undefined])
})

test('nothing is written down as issued before a sealed secret was opened', () => {
  assert.equal(openSealed().local, false)
  assert.equal(open().local, true)
})

test('a key elsewhere is a connection of sealed secrets alone', () => {
  const target = openSealed(undefined, 'keys.wrap')
  assert.equal(target.connection?.(grantOf()), 'keys.wrap')
  assert.equal(target.connection?.(grantOf({ settings: 'other' })), undefined)
  assert.equal(openSealed().connection?.(grantOf()), undefined)
})

test('a sealed secret that does not open leaves nothing to take back', async () => {
  const away = new Failure('provider_unavailable', { reason: 'the KMS does not answer' })
  const failing = openSealed(() => Promise.reject(away)).issue(grantOf(), null)
  await assert.rejects(failing, (thrown: unknown) => {
    assert.ok(thrown instanceof IssueFailure)
    assert.deepEqual([thrown.code, thrown.reason, thrown.left], [away.code, away.reason, 'nothing'])
    return true
  })
})

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
  assert.deepEqual(secretConnection.parse({ env: 'NPM' }), {
    value: { env: 'NPM' },
    last_replaced: undefined,
  })
  assert.deepEqual(secretConnection.parse({ sealed: true }), { sealed: true })
  for (const wrong of [
    'npm_1234',
    { value: 'npm_1234' },
    { env: 'NPM', file: './npm' },
    { env: 'A-B' },
    { env: 'NPM', last_replaced: '2026-13-01' },
    { env: 'NPM', last_replaced: 'yesterday' },
    { sealed: false },
    { sealed: true, last_replaced: '2026-10-01' },
    { sealed: true, file: './npm' },
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
    [...secretAges(connections, [], now)],
    [
      ['a', 129_600],
      ['b', 0],
    ],
  )
})

const day = 86_400
const keptDaysAgo = (name: string, days: number, usedDaysAgo?: number) => ({
  name,
  replacedAt: now / 1000 - days * day,
  uses: usedDaysAgo === undefined ? 0 : 3,
  ...(usedDaysAgo === undefined ? {} : { lastUsedAt: now / 1000 - usedDaysAgo * day }),
})
const sealed = { a: { sealed: true } } as const

test('the age of a sealed secret is what the store says', () => {
  assert.deepEqual([...secretAges(sealed, [keptDaysAgo('a', 2)], now)], [['a', 2 * day]])
  assert.deepEqual([...secretAges(sealed, [keptDaysAgo('a', -1)], now)], [['a', 0]], 'clocks differ')
  assert.deepEqual([...secretAges(sealed, [], now)], [], 'an age that nobody knows is not 0')
})

test('a sealed secret is warned of when it is missing, old, or was given to nobody for long', () => {
  const warnings = (...kept: Parameters<typeof secretAges>[1]) => secretWarnings(sealed, used, now, kept)
  assert.deepEqual(secretWarnings(sealed, used, now), [], 'nobody looked')
  assert.deepEqual(warnings(), [
    'connections.secret.a is sealed, and the store has none: `mayfly secrets put a`',
  ])
  assert.deepEqual(warnings(keptDaysAgo('a', 90, 90)), [])
  assert.deepEqual(warnings(keptDaysAgo('a', 91, 1)), [
    'connections.secret.a was last replaced on 2026-08-24, 91 days ago: replace it, or what uses it',
  ])
  assert.deepEqual(warnings(keptDaysAgo('a', 10, 100)), [
    'connections.secret.a was given to nobody for 100 days; does anybody need it?',
  ])
  assert.equal(warnings(keptDaysAgo('a', 91)).length, 2, 'old, and nobody ever got it')
  assert.deepEqual(secretWarnings(sealed, new Set(), now), [
    'connections.secret.a is released by no target of the policy; take it out',
  ])
})

test('what the store keeps for nobody is warned of', () => {
  const left = 'connections.secret has no sealed `b`, but the store keeps it: `mayfly secrets remove b`'
  const kept = [keptDaysAgo('a', 1), keptDaysAgo('b', 1)]
  assert.deepEqual(secretWarnings(sealed, used, now, kept), [left])
  const inFile = { ...sealed, b: { last_replaced: '2026-11-01' } }
  assert.deepEqual(secretWarnings(inFile, new Set(['a', 'b']), now, kept), [left])
})
