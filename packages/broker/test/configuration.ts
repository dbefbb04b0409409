/** One good configuration, and what tests of the config room do to it. */
import assert from 'node:assert/strict'
import { loadConfig } from '../src/config/load.ts'
import { formatProblems } from '../src/config/problem.ts'

/** A file with one of everything, at `/etc/mayfly/mayfly.yaml`. */
export const good = `
url: https://mayfly.example.com
listen: 127.0.0.1:8080
store: { kind: sqlite, path: ./mayfly.db }
keys: { algorithm: ES256, rotate_every: 24h, encryption: { env: MASTER } }
issuers:
  github: { preset: github-actions }
policies: ./policies
webhooks:
  github: { secret: { file: hook.secret } }
routes:
  - { kind: http, name: orders, listen: 127.0.0.1:9090, upstream: http://127.0.0.1:3000, target: orders-api }
audit: { reader: { env: READER } }
introspection:
  - { name: orders, target: orders-api, secret: { env: ORDERS } }
`

export const env = { MASTER: 'm'.repeat(44), READER: 'r'.repeat(32), ORDERS: 'o'.repeat(32) }
const files: Record<string, string> = { '/etc/mayfly/hook.secret': `${'h'.repeat(32)}\n` }

/** What becomes of a text of `/etc/mayfly/mayfly.yaml`. */
export function load(text: string, changes: { env?: Record<string, string | undefined> } = {}) {
  const read = async (path: string) => {
    const found = path === '/etc/mayfly/mayfly.yaml' ? text : files[path]
    if (found === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' })
    return found
  }
  return loadConfig({
    path: '/etc/mayfly/mayfly.yaml',
    readText: read,
    readFile: read,
    env: { ...env, ...changes.env },
  })
}

/** The configuration of a text that loads. */
export async function loaded(text: string, changes = {}) {
  const result = await load(text, changes)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config
}

/** Problems as `line:column message`. */
export async function problems(text: string, changes = {}) {
  const result = await load(text, changes)
  assert.ok(!result.ok, 'it loaded')
  return result.problems.map((each) => `${each.line}:${each.column} ${each.message}`)
}

/** The good file without a line. */
export const without = (line: RegExp) => good.replace(line, '')
/** The good file with one change. */
export const change = (from: string, to: string) => {
  assert.ok(good.includes(from))
  return good.replace(from, to)
}
