import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const policies = join(import.meta.dirname, '../../../examples/startup/policies')
const main = join(import.meta.dirname, '../src/main.ts')

test('serve says where it listens, and ends well when it is asked to', { timeout: 30_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-serve-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const config = join(folder, 'mayfly.yaml')
  const lines = [
    'url: https://mayfly.example.com',
    'listen: 127.0.0.1:0',
    'store: { kind: sqlite, path: ./mayfly.db }',
    'keys: { encryption: { env: MAYFLY_MASTER_KEY } }',
    'issuers: { github: { preset: github-actions } }',
    `policies: ${JSON.stringify(policies)}`,
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const env = { PATH: process.env['PATH'] ?? '', MAYFLY_MASTER_KEY: randomBytes(32).toString('base64') }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const typed = ['--conditions=mayfly-source', main, 'serve', '--config', config]
    const child = spawn(process.execPath, typed, { env, stdio: ['ignore', 'pipe', 'ignore'] })
    let said = ''
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (/^log key mayfly\.example\.com\/log\+/m.test(said)) resolve()
      })
      child.once('exit', () => resolve())
    })
    const url = /^mayfly listens on (http:\/\/127\.0\.0\.1:\d+)$/m.exec(said)?.[1] ?? ''
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    child.kill(signal)
    assert.equal(await ended, 0)
  }
})
