/** What the documentation names, held against the repository: commands, scripts, files, attacks. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../packages/cli/src/commands.ts'
import { blocks, pages } from './documentation-pages.ts'

test('every mayfly command and option that is shown exists', async () => {
  const shells = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ page, text }) => lines(page, text))
  const prose = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`([^`\n]+)`/g)].flatMap(([, text = '']) => lines(page, text)),
  )
  assert.ok(shells.length > 5)
  for (const { page, typed } of [...shells, ...prose]) {
    const named = commands.find(({ name }) => `${typed} `.startsWith(`${name} `))
    const placeholder = /^(?:COMMAND|--help|--version)/.test(typed)
    assert.ok(named !== undefined || placeholder, `${page}: mayfly ${typed}`)
    if (named === undefined) continue
    const { command } = await named.load()
    for (const [, option = ''] of typed.matchAll(/ --([a-z-]+)/g))
      assert.ok(option === 'help' || Object.hasOwn(command.options, option), `${page}: mayfly ${typed}`)
  }
})

/** What follows `mayfly` on each line that calls it. */
function lines(page: string, text: string): readonly { page: string; typed: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, typed] =
      /^(?:npm run (?:--silent )?mayfly --|mayfly) (?!demo: ok)([^|>#]+)/.exec(line.trim()) ?? []
    return typed === undefined ? [] : [{ page, typed: typed.trim() }]
  })
}

test('every npm script that is named exists, the two of the README among them', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const readme = readFileSync('README.md', 'utf8')
  for (const command of ['npm ci && npm start', 'npm ci && npm test']) {
    assert.ok(readme.includes(`\n${command}\n`), command)
  }
  for (const page of pages) {
    const named = readFileSync(page, 'utf8').matchAll(/npm (?:run (?:--silent )?([a-z]+)|(start|test)\b)/g)
    for (const [, run, short] of named)
      assert.ok(Object.hasOwn(scripts, run ?? short ?? ''), `${page}: ${run ?? short}`)
  }
})

test('every file of the repository that is named exists', () => {
  const roots = ['', 'packages/', 'packages/broker/', 'packages/broker/src/', 'packages/policy/src/']
  for (const page of pages) {
    for (const [, named = ''] of readFileSync(page, 'utf8').matchAll(/`([a-z.-]+\/[a-z0-9./-]+)`/g)) {
      if (
        !/^(?:packages|docs|test|scripts|schema|examples|broker|http|verify|decide|issue|revoke|audit|route|store)\//.test(
          named,
        )
      )
        continue
      const found = [dirname(page), ...roots].some((root) => existsSync(join(root, named)))
      assert.ok(found, `${page}: ${named}`)
    }
  }
})

test('every attack that the threat model names is a test of that name', () => {
  const tests = globSync(['test/{attacks,stories}/*.test.ts', 'packages/*/{src,test}/**/*.test.ts'])
  const all = tests.map((path) => readFileSync(path, 'utf8')).join('\n')
  const model = readFileSync('docs/threat-model.md', 'utf8')
  const ids = [...model.matchAll(/A(\d\d)(?:-A(\d\d))?/g)].flatMap(([, from, to = from]) =>
    range(Number(from), Number(to)),
  )
  assert.ok(ids.length > 40)
  for (const id of ids) assert.match(all, new RegExp(`\\b${id}\\b`), id)
})

function range(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `A${String(from + index).padStart(2, '0')}`)
}
