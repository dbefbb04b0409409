import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Installs what benchmarks compare with, from the lockfile beside it, unless it is there. */
export function installPeers(name: string): void {
  const folder = fileURLToPath(new URL('./peers/', import.meta.url))
  if (existsSync(`${folder}node_modules/${name}`)) return
  console.error(`installing ${name} to compare with ...`)
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error(`npm could not install ${name} in bench/peers`)
}
