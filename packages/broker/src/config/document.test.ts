import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { good, load, problems } from '../../test/configuration.ts'
import { formatProblems } from './problem.ts'

test('a key that stands twice, anchors, tags, and text that is not YAML are refused', async () => {
  assert.deepEqual(await problems(`${good}url: https://b.example\n`), ['16:1 this key stands here twice'])
  for (const text of [
    'a: &x 1\nb: *x\n',
    'a: !!binary aGk=\n',
    'a: !secret x\n',
    '---\na: 1\n---\nb: 1\n',
    'a: [1',
    '\t- x',
    '? [a]\n: b',
  ]) {
    assert.ok((await problems(text)).length > 0, text)
  }
  assert.match((await problems(`${good}audit2: { <<: *x }\n`))[0] ?? '', /^16:/)
})

test('whatever is done to the file, it loads or says where it is wrong; it never throws', async () => {
  const pieces = fc.constantFrom(
    '',
    ':',
    '{',
    '}',
    '[',
    '- ',
    '"',
    '\n',
    '\n  ',
    '&a ',
    '*a',
    '!!map',
    '|',
    '\t',
    '\u0000',
    'x',
  )
  const edit = fc.tuple(fc.nat(good.length), fc.nat(12), pieces)
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const text = edits.reduce(
        (rest, [at, cut, piece]) => rest.slice(0, at) + piece + rest.slice(at + cut),
        good,
      )
      const result = await load(text)
      if (!result.ok) assert.ok(result.problems.length > 0 && formatProblems(result.problems).length > 0)
    }),
    { numRuns: 300 },
  )
})
