/**
 * Bundles what runs inside of Auth0 into packages/cli/assets, which is committed: `mayfly export auth0-action` puts a
 * policy before it and needs no bundler. `--check` compares, and ends with 1 when it is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const file = join(root, 'packages/cli/assets/auth0-action.js')

const built = await build({
  absWorkingDir: root,
  stdin: {
    contents: `import { openAction } from './packages/cli/src/auth0/action.ts'
exports.onExecuteCustomTokenExchange = openAction(POLICY, SETTINGS)`,
    resolveDir: root,
    loader: 'ts',
  },
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  conditions: ['mayfly-source'],
  charset: 'utf8',
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 110,
  logLevel: 'warning',
})
const fresh = built.outputFiles[0]?.text ?? ''

if (process.argv.includes('--check')) {
  let committed = ''
  try {
    committed = readFileSync(file, 'utf8')
  } catch {
    // Said below.
  }
  if (committed !== fresh) {
    console.error('packages/cli/assets/auth0-action.js is not what the source gives')
    console.error(
      'Run `node --conditions=mayfly-source scripts/build-auth0-action.ts` and commit the result.',
    )
    process.exitCode = 1
  }
} else {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, fresh)
}
