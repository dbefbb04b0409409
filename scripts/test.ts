/**
 * Runs every test, or those under the paths given, and ends with one line that counts them.
 * `npm test`, `npm test -- test/attacks packages/policy`.
 */
import { globSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { installRuntimes } from '../test/fakes/runtimes.ts'

const folders = process.argv.slice(2)
const all = [...globSync('packages/*/{src,test}/**/*.test.ts'), ...globSync('test/**/*.test.ts')].sort()
const files =
  folders.length === 0 ? all : all.filter((file) => folders.some((folder) => file.startsWith(folder)))
if (files.length === 0) {
  console.error('no test file matches')
  process.exit(2)
}

installRuntimes()

let passed = 0
let failed = 0
const stream = run({ files, concurrency: 2, execArgv: ['--conditions=mayfly-source'], timeout: 300_000 })
stream.on('test:pass', (event) => {
  if (event.details.type !== 'suite' && event.skip === undefined && event.todo === undefined) passed++
})
stream.on('test:fail', () => {
  failed++
})
stream.compose(spec).pipe(process.stdout)
stream.on('end', () => {
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
})
process.on('exit', () => {
  console.log(`\n${passed} passed, ${failed} failed`)
})
