import { UsageFault } from './command.ts'

/** Why a path could not be read, and what to do: for those codes that a person meets. */
export function whyUnreadable(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  return `${code}: ${meanings[code] ?? 'the system gives no other reason'}`
}

const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'nothing has that name there',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EMFILE: 'this process has too many files open',
}

/** What a user named and we could not read. */
export function unreadable(what: 'file' | 'folder', path: string, cause: unknown): UsageFault {
  return new UsageFault(`the ${what} \`${path}\` cannot be read (${whyUnreadable(cause)})`, { cause })
}

/** True for errors of the system, as opening and reading files throws them. */
export function isSystemError(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown
}
