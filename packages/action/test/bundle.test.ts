import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const dist = join(root, 'packages/action/dist')
const files = readdirSync(dist)

test('the committed bundle is what the source gives', () => {
  const args = ['--conditions=mayfly-source', 'scripts/build-action.ts', '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  assert.equal(stdout + stderr, '')
  assert.equal(status, 0)
})

test('the bundle is small, names no path of a machine, and needs nothing but Node', () => {
  assert.deepEqual(files.sort(), ['aws.js', 'main.js', 'post.js'])
  for (const file of files) {
    const text = readFileSync(join(dist, file), 'utf8')
    assert.ok(
      statSync(join(dist, file)).size < 40_000,
      `${file} has ${statSync(join(dist, file)).size} bytes`,
    )
    assert.ok(!text.includes(root))
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? '')
    assert.deepEqual(
      imports.filter((name) => !builtinModules.includes(name.replace(/^node:/, ''))),
      [],
    )
  }
})

test('action.yml runs files that exist, and its post step always', () => {
  const text = readFileSync(join(root, 'action.yml'), 'utf8')
  for (const step of ['main', 'post']) {
    const path = new RegExp(`^  ${step}: (.+)$`, 'm').exec(text)?.[1] ?? ''
    assert.ok(statSync(join(root, path)).isFile())
  }
  assert.match(text, /^ {2}using: node24$/m)
  assert.match(text, /^ {2}post-if: always\(\)$/m)
})
