/** `npm run build`: what is published. JavaScript and types of each package into its `dist`, tests left out. */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** In the order of what they import. */
const packages = ['policy', 'client', 'broker', 'cli']

for (const name of packages) {
  const folder = join('packages', name)
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  const project = join(folder, 'tsconfig.build.json')
  writeFileSync(project, JSON.stringify(projectOf()))
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], {
    stdio: 'inherit',
  })
  rmSync(project)
  if (status !== 0) process.exit(1)
  console.log(`built ${folder}/dist`)
}

/** Other packages are read as they are published (their `dist`), not as sources. */
function projectOf() {
  return {
    extends: '../../tsconfig.json',
    compilerOptions: {
      customConditions: [],
      noEmit: false,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
    exclude: ['src/**/*.test.ts'],
  }
}
