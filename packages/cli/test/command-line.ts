import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** What a user of the command line sees. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandLineOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Runs `mayfly` as a process of its own. */
export function mayfly(typed: readonly string[], options: CommandLineOptions = {}): Promise<Ended> {
  const main = join(import.meta.dirname, '../src/main.ts')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=mayfly-source', main, ...typed], {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
    child.stdin.end(options.input ?? '')
  })
}
