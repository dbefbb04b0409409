/**
 * Bundles the GitHub Action into packages/action/dist, which is committed: GitHub runs it as it is in the repository.
 * `--check` bundles in memory, compares with what is committed, and ends with 1 when they differ.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'packages/action/dist')

/** File name -> content; the same on every machine: paths in it are relative to the repository. */
async function bundle(): Promise<Map<string, string>> {
  const built = await build({
    absWorkingDir: root,
    entryPoints: ['main', 'post', 'aws'].map((name) => `packages/action/src/${name}.ts`),
    outdir: folder,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    conditions: ['mayfly-source'],
    charset: 'utf8',
    legalComments: 'none',
    // Small, and still with its names and short lines: what runs with a job's identity should be readable there.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 110,
    logLevel: 'warning',
  })
  return new Map(built.outputFiles.map((file) => [basename(file.path), file.text]))
}

/** Names of the files that are missing, changed or left over. */
function differences(fresh: ReadonlyMap<string, string>): readonly string[] {
  const committed = new Map(filesIn(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  return [...new Set([...fresh.keys(), ...committed.keys()])].filter(
    (name) => fresh.get(name) !== committed.get(name),
  )
}

function filesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

const fresh = await bundle()
if (process.argv.includes('--check')) {
  const different = differences(fresh)
  if (different.length > 0) {
    console.error(`packages/action/dist is not what the source gives: ${different.join(', ')}`)
    console.error('Run `node --conditions=mayfly-source scripts/build-action.ts` and commit the result.')
    process.exitCode = 1
  }
} else {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of fresh) writeFileSync(join(folder, name), text)
}
