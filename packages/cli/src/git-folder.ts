/** A policy folder as a git revision has it. Git is asked for names and bytes only: no shell, nothing is checked out. */
import { execFile } from 'node:child_process'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { UsageFault } from './command.ts'
import type { ReadSources } from './policies.ts'

const run = promisify(execFile)
const mostBytes = 32 * 1_048_576

/** The `*.policy.yaml` and the lock of the folder at the revision; no files = it had none there. Throws `UsageFault`. */
export async function readPolicyRevision(folder: string, revision: string): Promise<ReadSources> {
  if (revision.startsWith('-')) throw new UsageFault('a git revision does not begin with `-`')
  const listed = await git(folder, ['ls-tree', '-z', '--name-only', revision, './'])
  const names = listed.split('\0').map((path) => basename(path))
  const read = async (name: string) => ({
    path: join(basename(folder), name),
    text: await git(folder, ['show', `${revision}:./${name}`]),
  })
  const files = await Promise.all(
    names
      .filter((name) => name.endsWith('.policy.yaml'))
      .sort()
      .map(read),
  )
  return names.includes('policy.lock.yaml') ? { files, lock: await read('policy.lock.yaml') } : { files }
}

async function git(folder: string, words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run('git', ['-C', folder, ...words], { maxBuffer: mostBytes, encoding: 'utf8' })
    return stdout
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n')[0] : ''
    throw new UsageFault(`git ${words[0]} failed${said ? `: ${said}` : '; is git installed?'}`, { cause })
  }
}
