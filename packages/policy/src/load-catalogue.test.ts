import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errors, warnings } from '../test/catalogue.ts'
import { lock } from '../test/fixture.ts'
import { loadPolicy } from './load.ts'
import type { Problem } from './problem.ts'

function load(marked: string) {
  const at = marked.indexOf('¶')
  const before = marked.slice(0, at).split('\n')
  const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text: marked.replace('¶', '') }], lock)
  const problems = loaded.ok ? loaded.warnings : loaded.problems
  return { ok: loaded.ok, place, problems }
}

const codeAndPlace = ({ code, line, column }: Problem) => ({ code, line, column })

for (const [code, title, marked] of errors) {
  test(`${code} ${title}`, () => {
    const { ok, place, problems } = load(marked)
    assert.equal(ok, false)
    const found = problems.filter(({ severity }) => severity === 'error').map(codeAndPlace)
    assert.deepEqual(found, [{ code, ...place }])
  })
}

for (const [code, title, marked] of warnings) {
  test(`${code} (warning) ${title}`, () => {
    const { ok, place, problems } = load(marked)
    assert.ok(ok, JSON.stringify(problems))
    assert.deepEqual(problems.filter((problem) => problem.code === code).map(codeAndPlace), [
      { code, ...place },
    ])
    assert.equal(load(marked.replace('version: 1\n', 'version: 1\nstrict: true\n')).ok, false)
  })
}

test('the whole catalogue has a case', () => {
  const tested = new Set([...errors, ...warnings].map(([code]) => code))
  const codes = Array.from({ length: 41 }, (_, number) => `P${String(number).padStart(3, '0')}`)
  assert.deepEqual(
    codes.filter((code) => !tested.has(code)),
    [],
  )
})

test('every code that a source reports is in the reference, and the other way round', () => {
  const reference = readFileSync(new URL('../../../docs/reference/policy-errors.md', import.meta.url), 'utf8')
  const listed = new Set([...reference.matchAll(/^\| (P\d{3}) /gm)].map((match) => match[1]))
  assert.deepEqual([...new Set([...errors, ...warnings].map(([code]) => code))].sort(), [...listed].sort())
})
