/** Workflows that are broken in ways that happen: lines lost, doubled, moved, indented. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propose } from '../../src/scan/fix/fix.ts'
import { scanFile } from '../../src/scan/scan.ts'
import { fixtures, rest, setting, source } from './fix-fixtures.ts'

test('of workflows with lines taken out, doubled and moved, each is read or told; what is patched still is a workflow', () => {
  const texts = fixtures.filter((name) => !name.includes('/')).map((name) => source(name).text.split('\n'))
  const change = fc.record({
    kind: fc.constantFrom('drop', 'double', 'move', 'indent'),
    at: fc.nat(),
    to: fc.nat(),
  })
  const changed = fc
    .record({ of: fc.constantFrom(...texts), changes: fc.array(change, { minLength: 1, maxLength: 3 }) })
    .map(({ of, changes }) => changes.reduce(mutated, of).join('\n'))
  let patches = 0
  const path = '.github/workflows/a.yml'
  const check = fc.property(changed, (text) => {
    const unread = (of: string) => scanFile(path, of).some(({ rule }) => rule.id === 'MS000')
    const { files } = propose([{ path, text }], setting)
    const after = files.find((file) => file.path === path)?.after
    if (after === undefined) return
    patches++
    assert.equal(unread(after), false, after)
    assert.deepEqual(rest(after), rest(text))
  })
  fc.assert(check, { seed: 20_261_123, numRuns: 1000 })
  assert.ok(patches > 50, `${patches} patches`)
})

function mutated(lines: readonly string[], { kind, at, to }: { kind: string; at: number; to: number }) {
  const [from, goal] = [at % lines.length, to % lines.length]
  const line = lines[from] ?? ''
  const without = lines.toSpliced(from, 1)
  if (kind === 'drop') return without
  if (kind === 'double') return lines.toSpliced(goal, 0, line)
  return kind === 'move' ? without.toSpliced(goal, 0, line) : lines.with(from, `  ${line}`)
}
