import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for its owner alone, in memory where the system has such a place, so that nothing reaches a disk. */
export interface PrivateFolder {
  /** Writes a file and answers with its path; a path that is there already is written anew. */
  write(name: string, text: string): string
  readonly path: string
  remove(): void
}

const inMemory = '/dev/shm'

export function makePrivateFolder(): PrivateFolder {
  const path = mkdtempSync(join(existsSync(inMemory) ? inMemory : tmpdir(), 'mayfly-'))
  return {
    path,
    write(name, text) {
      const file = join(path, name)
      writeFileSync(file, text, { mode: 0o600 })
      return file
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
