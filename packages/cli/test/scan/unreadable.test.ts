/** Files that are no workflows, or that were made to cost much: one finding with a place, soon. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { conditionOf, expressionsOf } from '../../src/scan/expression.ts'
import { propose } from '../../src/scan/fix/fix.ts'
import { scanFile } from '../../src/scan/scan.ts'

function only(text: string) {
  const [first, second] = scanFile('.github/workflows/a.yml', text)
  assert.equal(second, undefined)
  assert.equal(first?.rule.id, 'MS000')
  return `${first.line}:${first.column} ${first.message}`
}

const head = 'on: push\njobs:\n  a:\n    runs-on: x\n    steps: []\n'

test('what is not YAML, or no workflow, says where', () => {
  assert.match(only('on: push\njobs: [\n'), /^\d:\d not valid YAML: /)
  assert.match(only('on: push\njobs:\n  a: 1\n  a: 2\n'), /^4:3 not valid YAML: Map keys must be unique/)
  assert.equal(only(''), '1:1 the file is empty')
  assert.equal(only('- a\n'), '1:1 a workflow or an action is a map')
  assert.equal(only('jobs: {}\n'), '1:1 a workflow says `on:` what it runs')
  assert.equal(only('on: push\njobs:\n  a:\n'), '3:3 the job `a` is not a map')
  assert.equal(
    only('on: push\njobs:\n  a:\n    steps:\n      run: x\n'),
    '4:5 the steps of `a` are not a list',
  )
  assert.equal(only('on: push\njobs:\n  a:\n    steps: [x]\n'), '4:13 a step is not a map')
  assert.equal(only('on: push\njobs: none\n'), '2:7 a workflow has a map of `jobs:`')
})

test('binary and files that are larger than any workflow are not read', () => {
  assert.equal(only('\0\x01\x02'), '1:1 the file is not text in UTF-8')
  assert.equal(only(Buffer.from([0xff, 0xfe, 0x61]).toString('utf8')), '1:1 the file is not text in UTF-8')
  assert.equal(only(`${head}# ${'x'.repeat(1_048_576)}`), '1:1 the file is larger than a MiB; no workflow is')
})

test('anchors that would be millions of values when written out are counted, not written out', () => {
  const levels = Array.from({ length: 30 }, (_, at) => `x${at + 1}: &l${at + 1} [${`*l${at},`.repeat(10)}]`)
  assert.match(only(`x0: &l0 [a]\n${levels.join('\n')}\n${head}`), /more than 50000 values/)
})

test('anchors that hold themselves, aliases of nothing and deep nesting end with a place', () => {
  assert.match(only(`x: &a [*a]\n${head}`), /an anchor holds itself|not valid YAML/)
  assert.match(only(`x: *nothing\n${head}`), /nothing/)
  assert.match(only(`x: ${'['.repeat(500)}${']'.repeat(500)}\n${head}`), /nested too deeply/)
  assert.match(only(`x: ${'['.repeat(200_000)}\n`), /nested too deeply|not valid YAML/)
})

test('expressions that are nested without end, or broken, cost little and are no faults', () => {
  const deep = `\${{ ${'('.repeat(50_000)}secrets.A${')'.repeat(50_000)} }}`
  assert.equal(expressionsOf(deep)[0]?.tree, undefined)
  for (const text of ['a ||', '(a', "'open", 'a.', 'a[', 'f(a,', '1 2', ''])
    assert.equal(conditionOf(text), undefined, text)
  assert.deepEqual(expressionsOf(`\${{ secrets.A`), [])
  assert.equal(expressionsOf(`\${{ '}}' }}\${{ a }}`).length, 2)
})

test('files of the largest size are scanned soon, whatever they are made of', () => {
  const steps = (line: string, count: number) =>
    `on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n${`          ${line}\n`.repeat(count)}`
  const jobs = Array.from({ length: 2500 }, (_, at) => {
    const needs = at < 2 ? '' : `, needs: [a${at - 1}, a${at - 2}]`
    return `  a${at}: { runs-on: x${needs}, steps: [{ uses: v/a@v1, env: { A: "\${{ secrets.A${at} }}" } }] }\n`
  })
  const step = '      - run: make "$TOKEN"\n        env: { A: b }\n'
  const env = `    env:\n      TOKEN: \${{ secrets.TOKEN }}\n      OTHER: \${{ secrets.OTHER }}\n`
  const manySteps = `on: push\njobs:\n  a:\n    runs-on: x\n${env}    steps:\n${step.repeat(5000)}`
  const costly = [
    steps(`\${{ secrets.A }}`, 20_000),
    steps(`\${{ 'a''a''a''a''a''a''a''a''a''a`, 20_000),
    steps(`\${{ \${{ \${{ \${{ \${{`, 25_000),
    steps(`gh \${{ secrets.${'AWS_KEY_'.repeat(60_000)} }}`, 1),
    steps(`git fetch ${'pull/'.repeat(150_000)}`, 1).replace('on: push', 'on: issues'),
    steps('a', 1)
      .replace('on: push', 'on: issues')
      .replace('runs-on: x', `runs-on: "${'${{ '.repeat(200_000)}"`),
    `on: [issues]\npermissions: {}\njobs:\n${jobs.join('')}`,
    manySteps,
  ]
  for (const text of costly) {
    const began = performance.now()
    const path = '.github/workflows/a.yml'
    assert.ok(
      scanFile(path, text).every(({ rule }) => rule.id !== 'MS000'),
      text.slice(0, 120),
    )
    propose([{ path, text }], { url: 'https://a', action: 'a/a@a', repository: 'acme/shop', branch: 'main' })
    const took = performance.now() - began
    assert.ok(took < 8000, `${Math.round(took)} ms for ${text.slice(0, 120)}`)
  }
})

test('an expression that is too long to be understood still shows what it names', () => {
  const text = `\${{ format('{0}', secrets.A${', 1'.repeat(2000)}) }}`
  const [expression] = expressionsOf(text)
  assert.equal(expression?.tree, undefined)
  assert.ok(expression?.references.some(({ path, tested }) => path.join('.') === 'secrets.a' && !tested))
})

test('no text of expressions is too odd to be read', () => {
  const word = fc.constantFrom(
    ...`\${{ }} ' '' ( ) [ ] , . * ! && || == secrets A github event x-1 0x1f "`.split(' '),
    ' ',
  )
  const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(''))
  fc.assert(
    fc.property(text, (odd) => {
      conditionOf(odd)
      for (const { source } of expressionsOf(odd)) assert.ok(odd.includes(source) && source.endsWith('}}'))
    }),
    { seed: 7, numRuns: 5000 },
  )
})

test('maps that are merged in are part of the map, and what it says itself wins', () => {
  const text = `x: &x { A: '\${{ secrets.A }}', B: '\${{ secrets.B }}' }\non: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: x\n        env: { B: plain, <<: *x }\n`
  const found = scanFile('.github/workflows/a.yml', text)
  assert.deepEqual(
    found.map(({ message }) => message.slice(0, 3)),
    ['`A`'],
  )
})

test('what flows is told from what is only compared', () => {
  const flows = (text: string) =>
    expressionsOf(`\${{ ${text} }}`)[0]
      ?.references.filter(({ tested }) => !tested)
      .map(({ path }) => path.join('.'))
  assert.deepEqual(flows("secrets.A == 'x'"), [])
  assert.deepEqual(flows('!secrets.A'), [])
  assert.deepEqual(flows("a.b && secrets.A || 'none'"), ['secrets.a'])
  assert.deepEqual(flows('contains(secrets.A, inputs.b)'), [])
  assert.deepEqual(flows("fromJSON(secrets.A).secrets['x']"), ['secrets.a'])
  assert.deepEqual(flows("secrets['A-B']"), ['secrets.a-b'])
  assert.deepEqual(flows('secrets[matrix.key]'), ['secrets.?', 'matrix.key'])
  assert.deepEqual(flows('github.event.commits.*.message'), ['github.event.commits.*.message'])
})
