import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import { openHandleSeal } from './handle.ts'
import { openSeal } from './seal.ts'

const tools = { randomBytes }
const masterBytes = randomBytes(32)
const master = new Secret(masterBytes.toString('base64'))
const text = new TextEncoder().encode('the private part')

test('what was sealed opens again, in another process with the same master key too', () => {
  const sealed = openSeal(master, tools).seal('signing-key', 'kid-1', text)
  const forms = [
    masterBytes.toString('base64'),
    `${masterBytes.toString('base64url')}=`,
    masterBytes.toString('hex'),
  ]
  for (const form of forms) {
    const other = openSeal(new Secret(`${form}\n`), tools)
    assert.deepEqual(new Uint8Array(other.open('signing-key', 'kid-1', sealed)), text)
  }
})

test('it opens for no other purpose, no other place and no other master key', () => {
  const seal = openSeal(master, tools)
  const sealed = seal.seal('signing-key', 'kid-1', text)
  const stranger = openSeal(new Secret(randomBytes(32).toString('hex')), tools)
  const attempts = [
    () => seal.open('lease-handle', 'kid-1', sealed),
    () => seal.open('signing-key', 'kid-2', sealed),
    () => stranger.open('signing-key', 'kid-1', sealed),
  ]
  for (const attempt of attempts) assert.throws(attempt, { code: 'internal' })
})

test('one changed bit anywhere and every cut is noticed', () => {
  const seal = openSeal(master, tools)
  const sealed = seal.seal('lease-handle', 'ls_1', text)
  for (let i = 0; i < sealed.length; i++) {
    const changed = new Uint8Array(sealed)
    changed[i] = (changed[i] ?? 0) ^ 1
    assert.throws(() => seal.open('lease-handle', 'ls_1', changed), Failure)
    assert.throws(() => seal.open('lease-handle', 'ls_1', sealed.subarray(0, i)), Failure)
  }
})

test('the same text is never sealed twice to the same bytes', () => {
  const seal = openSeal(master, tools)
  const seen = new Set(
    Array.from({ length: 500 }, () => Buffer.from(seal.seal('lease-handle', 'x', text)).toString('hex')),
  )
  assert.equal(seen.size, 500)
})

test('a master key that is no key stops the start and is never shown', () => {
  const bad = [
    '',
    'correct horse battery staple',
    'a'.repeat(64),
    'A'.repeat(43),
    // Of the right length without padding, and still words.
    'correct-horse-battery-staple-and-some-more-'.slice(0, 43),
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('hex'),
    'abababababababababababababababababababababa=',
    `${randomBytes(32).toString('base64').slice(0, 42)}!`,
  ]
  for (const value of bad) {
    assert.throws(
      () => openSeal(new Secret(value), tools),
      (thrown: unknown) => {
        assert.ok(thrown instanceof Failure)
        assert.match(thrown.detail ?? '', /openssl rand/)
        if (value !== '') assert.ok(!`${thrown.message}${thrown.detail}`.includes(value))
        return true
      },
    )
  }
})

test('a handle opens for its own lease only', () => {
  const handles = openHandleSeal(openSeal(master, tools))
  const handle = handles.seal('ls_1', { user: 'mayfly_1', database: 'orders' })
  assert.deepEqual(handles.open({ id: 'ls_1', handle }), { user: 'mayfly_1', database: 'orders' })
  assert.throws(() => handles.open({ id: 'ls_2', handle }), { code: 'internal' })
  assert.equal(handles.seal('ls_3', null).length, 0)
  assert.equal(handles.open({ id: 'ls_3', handle: new Uint8Array() }), null)
})
