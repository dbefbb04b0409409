import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../runtimes/', import.meta.url))

/** Where the packages of each platform keep the program. */
const places = {
  node: ['node_modules/.bin/node'],
  deno: ['node_modules/@deno/*/deno', 'node_modules/@deno/*/deno.exe'],
  bun: ['node_modules/@oven/*/bin/bun', 'node_modules/@oven/*/bin/bun.exe'],
} as const

/** Node 24 (on which GitHub's runners run actions), Deno, Bun: where else than on our own Node our code has to run. */
export type Runtime = keyof typeof places

/**
 * Installs what is missing of them, from the lockfile beside them. Before tests that run at the same time: each of them
 * would install it.
 */
export function installRuntimes(): void {
  if (Object.keys(places).every((name) => found(name as Runtime) !== undefined)) return
  console.error('installing Node 24, Deno and Bun, on which some of the tests run ...')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('npm could not install what is in test/runtimes')
}

/** The path of its program. Throws when `npm test` did not install it. */
export function runtime(name: Runtime): string {
  const program = found(name)
  if (program !== undefined) return program
  throw new Error(`${name} is not there: run \`npm ci --ignore-scripts\` in test/runtimes, or \`npm test\`.`)
}

function found(name: Runtime): string | undefined {
  const [path] = places[name].flatMap((place) => globSync(place, { cwd: folder }))
  return path === undefined || !existsSync(join(folder, path)) ? undefined : join(folder, path)
}
