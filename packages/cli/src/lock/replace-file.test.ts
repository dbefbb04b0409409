import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { replaceFile } from './replace-file.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-replace-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a file is made, and replaced by another one with the same permissions', async (t) => {
  const path = join(folder(t), 'lock')
  await replaceFile(path, 'one')
  assert.equal(readFileSync(path, 'utf8'), 'one')
  rmSync(path)
  writeFileSync(path, 'two', { mode: 0o600 })
  const { ino } = statSync(path)
  await replaceFile(path, 'three')
  assert.equal(readFileSync(path, 'utf8'), 'three')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  // Another file took the name: whoever had the old one open still reads the old one, whole.
  assert.notEqual(statSync(path).ino, ino)
  assert.deepEqual(readdirSync(join(path, '..')), ['lock'])
})

test('a link still leads to its file, which is replaced', async (t) => {
  const root = folder(t)
  mkdirSync(join(root, 'real'))
  writeFileSync(join(root, 'real/lock'), 'one')
  symlinkSync('real/lock', join(root, 'lock'))
  await replaceFile(join(root, 'lock'), 'two')
  assert.equal(readlinkSync(join(root, 'lock')), 'real/lock')
  assert.equal(readFileSync(join(root, 'real/lock'), 'utf8'), 'two')
  assert.deepEqual(readdirSync(join(root, 'real')), ['lock'])
})

test('what cannot be replaced stays, and nothing is left beside it', async (t) => {
  const root = folder(t)
  mkdirSync(join(root, 'lock/inside'), { recursive: true })
  await assert.rejects(replaceFile(join(root, 'lock'), 'two'))
  assert.deepEqual(readdirSync(root), ['lock'])
  await assert.rejects(replaceFile(join(root, 'nowhere/lock'), 'two'))
})
