import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import type { SecretRecord } from '../store/store.ts'
import { type KeyWrap, keyWrapOf } from './envelope.ts'
import { openSeal } from './seal.ts'
import { openSealedSecrets, type Wraps } from './sealed-secrets.ts'

const newWrap = () => keyWrapOf(openSeal(new Secret(randomBytes(32).toString('hex')), { randomBytes }))
const [one, two] = [newWrap(), newWrap()]
const value = `npm_${randomBytes(18).toString('hex')}`

function wrapsOf(current: string, known: Readonly<Record<string, KeyWrap>>): Wraps {
  return { current, known: new Map(Object.entries(known)) }
}

/** Secrets over what a test says that the store keeps. */
function opened(wraps: Wraps, kept: readonly SecretRecord[] = []) {
  const store = { secret: async (name: string) => kept.find((each) => each.name === name) }
  return openSealedSecrets({ wraps, store, tools: { randomBytes } })
}

async function recordOf(wraps: Wraps, name = 'npm', text = value): Promise<SecretRecord> {
  return { name, ...(await opened(wraps).seal(name, new Secret(text))), replacedAt: 1, uses: 0 }
}

test('what was sealed is read as it was, whatever letters it has', async () => {
  const wraps = wrapsOf('one', { one })
  for (const text of [value, ' spaces \n', 'ключ 🦋', '\u0000', '\ufeffwith a mark']) {
    const record = await recordOf(wraps, 'npm', text)
    assert.equal(record.wrappedBy, 'one')
    if (text.length > 1) assert.ok(!Buffer.from(record.envelope).includes(text))
    assert.equal((await opened(wraps, [record]).read('npm')).reveal(), text)
  }
})

test('an envelope that was moved to another name does not open', async () => {
  const wraps = wrapsOf('one', { one })
  const moved = { ...(await recordOf(wraps, 'npm')), name: 'licence' }
  await assert.rejects(opened(wraps, [moved]).read('licence'), { code: 'internal' })
})

test('a secret that the store lacks is refused with what to do', async () => {
  const read = opened(wrapsOf('one', { one })).read('npm')
  await assert.rejects(read, { code: 'target_refused', reason: /mayfly secrets put npm/ })
})

test('a key that the configuration does not name opens nothing, even if it would', async () => {
  const strange = await recordOf(wrapsOf('two', { two }))
  await assert.rejects(opened(wrapsOf('one', { one }), [strange]).read('npm'), {
    code: 'internal',
    reason: /wrapped by `two`/,
  })
  const renamed = { ...strange, wrappedBy: 'one' }
  await assert.rejects(opened(wrapsOf('one', { one }), [renamed]).read('npm'), { code: 'internal' })
})

test('what is not under the key that wraps now is told, and worse when nothing opens it', async () => {
  const { warnings } = opened(wrapsOf('one', { one, two }))
  const kept = ['one', 'two', 'three'].map((wrappedBy) => ({ name: `under-${wrappedBy}`, wrappedBy }))
  assert.deepEqual(warnings(kept), [
    'connections.secret.under-two is wrapped by `two`, which wraps no more: `mayfly secrets rewrap`',
    'connections.secret.under-three is wrapped by `three`, which the configuration does not name: it does not open',
  ])
})

test('wrapped anew, the same value opens with the new key alone', async () => {
  const record = await recordOf(wrapsOf('one', { one }))
  const moved = { ...record, ...(await opened(wrapsOf('two', { one, two })).rewrap(record)) }
  assert.equal(moved.wrappedBy, 'two')
  assert.equal((await opened(wrapsOf('two', { two }), [moved]).read('npm')).reveal(), value)
  await assert.rejects(opened(wrapsOf('one', { one }), [moved]).read('npm'), { code: 'internal' })
})
