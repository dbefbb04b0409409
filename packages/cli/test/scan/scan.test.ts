/** What `mayfly scan` finds in workflows as they stand in repositories: rule and line, nothing more and nothing less. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sarifReport } from '../../src/scan/report.ts'
import { rules, scanFile, scanFiles } from '../../src/scan/scan.ts'

const folder = join(import.meta.dirname, 'fixtures')
const fixtures = globSync('**/*.yml', { cwd: folder }).sort()

/** `# expect: MS001 MS005` at the end of a line says what is found on it. */
function expected(text: string): readonly string[] {
  return text.split('\n').flatMap((line, at) => {
    const [, ids = ''] = /expect: ((?:MS\d{3} ?)+)/.exec(line) ?? []
    return ids
      .split(' ')
      .filter((id) => id !== '')
      .map((id) => `${at + 1} ${id}`)
  })
}

test('there are at least forty workflows, ten of them clean, and each rule is met, but those of unreadable files and of settings', () => {
  assert.ok(fixtures.length >= 40)
  const all = fixtures.map((path) => expected(readFileSync(join(folder, path), 'utf8')))
  assert.ok(all.filter((lines) => lines.length === 0).length >= 10)
  const met = new Set(all.flat().map((line) => line.split(' ')[1]))
  const missed = rules.map(({ id }) => id).filter((id) => !met.has(id))
  assert.deepEqual(missed, ['MS000', 'MS040'])
})

for (const path of fixtures) {
  test(`${path}: what a careful reader finds, on its lines, and nothing else`, () => {
    const text = readFileSync(join(folder, path), 'utf8')
    const found = scanFile(path, text).map(({ line, rule }) => `${line} ${rule.id}`)
    const lines = text.split('\n')
    const shown = (ids: readonly string[]) =>
      ids.toSorted().map((id) => `${id}  ${lines[Number.parseInt(id, 10) - 1]?.trim()}`)
    assert.deepEqual(shown(found), shown(expected(text)))
  })
}

test('a finding keeps its fingerprint when lines above it come and go, and loses it when what it says changes', () => {
  const text = readFileSync(join(folder, 'npm-publish.yml'), 'utf8')
  const prints = (of: string) =>
    sarifReport(scanFile('a.yml', of)).runs[0]?.results.map((each) => each.partialFingerprints)
  assert.equal(prints(text)?.length, 1)
  assert.deepEqual(prints(`# one\n# two\n${text}`), prints(text))
  assert.notDeepEqual(prints(text.replaceAll('NPM_TOKEN', 'OTHER_NPM_TOKEN')), prints(text))
})

test('text of somebody else is followed into the scripts of own actions and called workflows', () => {
  const title = `\${{ github.event.issue.title }}`
  const caller = [
    'on: issues',
    'permissions: {}',
    'jobs:',
    '  a:',
    '    runs-on: ubuntu-latest',
    '    steps:',
    '      - uses: ./.github/actions/greet',
    `        with: { Title: '${title}', number: 7 }`,
    '  b:',
    '    uses: ./.github/workflows/called.yml',
    `    with: { body: '${title}' }`,
  ]
  const action = [
    'runs:',
    '  using: composite',
    '  steps:',
    '    - run: |',
    `        echo "\${{ inputs.number }} \${{ inputs.other }}"`,
    `        echo "\${{ inputs.title }}"`,
    `        echo "\${{ inputs.title != '' }}"`,
  ]
  const called = ['on: workflow_call', 'jobs:', '  x:', '    steps:', `      - run: echo \${{ inputs.body }}`]
  const files = (root: string) => [
    { path: `${root}.github/workflows/caller.yml`, text: caller.join('\n') },
    { path: `${root}.github/actions/greet/action.yml`, text: action.join('\n') },
    { path: `${root}.github/workflows/called.yml`, text: called.join('\n') },
  ]
  const found = (root: string, other = root) =>
    scanFiles([...files(root).slice(0, 1), ...files(other).slice(1)]).map(({ path, line, rule, message }) => {
      return `${path}:${line} ${rule.id} ${message.split(' at ')[1]}`
    })
  for (const root of ['', 'shop/'])
    assert.deepEqual(found(root), [
      `${root}.github/actions/greet/action.yml:6 MS023 ${root}.github/workflows/caller.yml:8`,
      `${root}.github/workflows/called.yml:5 MS023 ${root}.github/workflows/caller.yml:11`,
    ])
  assert.deepEqual(found('shop/', 'web/'), [])
})
