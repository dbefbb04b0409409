/** `mayfly connect` as a process of its own, as an operator of a private network runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

export interface ConnectorProcess {
  /** What it wrote for the person so far. */
  readonly said: () => string
  /** Resolves once it has said so much, so many times. Rejects when it ended before. */
  says(pattern: RegExp, times?: number): Promise<void>
  /** The platform gives it another identity token. */
  identity(token: string): void
  /** SIGTERM; answers with the exit code. */
  stop(): Promise<number | null>
  /** Resolves with the exit code when it ends by itself. */
  readonly ended: Promise<number | null>
}

export interface ConnectorOptions {
  readonly folder: string
  readonly url: string
  readonly name: string
  /** Of the platform. */
  readonly token: string
  readonly route: string
  readonly more?: readonly string[]
}

/** Starts one; it ends with the test. */
export function startConnector(t: TestContext, options: ConnectorOptions): ConnectorProcess {
  const { folder, url, name, token, route, more = [] } = options
  const file = join(folder, `identity-${name}`)
  const identity = (text: string) => writeFileSync(file, text, { mode: 0o600 })
  identity(token)
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
  const asked = ['--url', url, '--target', 'connectors', '--name', name, '--route', route]
  const child = spawn(
    process.execPath,
    ['--conditions=mayfly-source', main, 'connect', ...asked, '--token-file', file, ...more],
    { env: { PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'inherit', 'pipe'] },
  )
  let said = ''
  const listeners = new Set<() => void>()
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    for (const listener of listeners) listener()
  })
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  atEnd(t, () => stopped(child, ended))
  return {
    said: () => said,
    ended,
    identity,
    stop: () => stopped(child, ended),
    says: (pattern, times = 1) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if ([...said.matchAll(new RegExp(pattern, 'g'))].length < times) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        void ended.then((code) => reject(new Error(`the connector ended with ${code}: ${said}`)))
        look()
      }),
  }
}

async function stopped(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  return await ended
}
