import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** The command line as a person runs it. */
export function mayfly(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
  const options = { env: { PATH: process.env['PATH'] }, timeout: 60_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=mayfly-source', main, ...words], options, (fault, out, err) => {
      resolve({ code: fault === null ? 0 : Number(fault.code ?? -1), out, err })
    })
  })
}
