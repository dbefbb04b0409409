import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'

/**
 * The path of a program that Debian's `name` installs; installs it where that is allowed and it is missing. Throws an
 * `Error` that says what to do where it cannot be had.
 */
export function debianProgram(path: string, name: string): string {
  return debianFile(path, name, constants.X_OK)
}

/** The same for a file that is no program, such as a module of one. */
export function debianFile(path: string, name: string, mode: number = constants.R_OK): string {
  if (isThere(path, mode)) return path
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(`These tests need ${path}; install it first (Debian: apt-get install ${name}).`)
  // Another test file may be installing as well: wait for its lock.
  const flags = ['-qq', '-o', 'DPkg::Lock::Timeout=240', '-o', 'APT::Update::Lock::Timeout=240']
  const run = (...words: string[]) =>
    execFileSync('/usr/bin/apt-get', [...flags, ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Nothing that it installs shall start a server of its own on this machine.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', SYSTEMD_OFFLINE: '1' },
    })
  run('update')
  run('install', '--yes', '--no-install-recommends', name)
  if (!isThere(path, mode))
    throw new Error(`These tests need ${path}, and the package ${name} did not bring it.`)
  return path
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
