import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold } from './fold.ts'

/** Eight letters and a blank, so many times. */
const words = (count: number) => 'somewhat '.repeat(count).trimEnd()

test('a line that fits stays as it is', () => {
  const line = `    ${'a'.repeat(76)}`
  assert.deepEqual(fold(line), [line])
  assert.deepEqual(fold(''), [''])
})

test('a long line breaks at blanks and continues further in', () => {
  assert.deepEqual(fold(`    ${words(10)}`), [`    ${words(8)}`, `      ${words(2)}`])
})

test('nothing is lost, and no line is wider than 80 columns', () => {
  for (let count = 1; count < 60; count++) {
    const line = `${' '.repeat(count % 12)}authorization: Bearer ${words(count)}`
    const folded = fold(line)
    assert.ok(folded.every((each) => each.length <= 80))
    assert.equal(folded.map((each) => each.trim()).join(' '), line.trim())
  }
})

test('a row of a table continues below its text', () => {
  const folded = fold(`    log of it:  ${words(10)}`)
  assert.deepEqual(folded, [`    log of it:  ${words(7)}`, `                ${words(3)}`])
})

test('a row whose next word would not fit there continues where it does', () => {
  const key = 'k'.repeat(70)
  assert.deepEqual(fold(`    log key     ${key}`), ['    log key', `      ${key}`])
})

test('a line of a log keeps its mark', () => {
  assert.deepEqual(fold(`      | ${words(10)}`), [`      | ${words(8)}`, `      |   ${words(2)}`])
})

test('JSON breaks between its members, a URL before its parameters, and no word inside', () => {
  const [one, two] = ['a', 'b'].map((letter) => `{"item":"${letter.repeat(40)}"}`)
  assert.deepEqual(fold(`[${one},${two}]`), [`[${one},`, `  ${two}]`])
  const path = `/idtoken/${'c'.repeat(40)}`
  assert.deepEqual(fold(`  GET ${path}?api-version=2.0&audience=http://127.0.0.1`), [
    `  GET ${path}?api-version=2.0`,
    '    &audience=http://127.0.0.1',
  ])
  assert.deepEqual(fold('d'.repeat(90)), ['d'.repeat(90)])
})

test('a command is one command when it is copied', () => {
  assert.deepEqual(fold(`    $ mayfly ${words(9)}`), [`    $ mayfly ${words(7)} \\`, `      ${words(2)}`])
})
