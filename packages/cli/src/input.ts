/** Secrets come from a file, a variable or standard input; never from the command line, which every user can list. */
import { readFile } from 'node:fs/promises'
import type { Terminal } from './terminal.ts'
import { unreadable } from './unreadable.ts'

/** Text of a file without white space around it; `-` is standard input. */
export async function readText(path: string, terminal: Terminal): Promise<string> {
  if (path === '-') return (await terminal.readInput()).trim()
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable('file', path, cause)
  })
  return text.trim()
}
