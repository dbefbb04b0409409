import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, type Problem } from './problem.ts'

const problem: Problem = {
  code: 'P002',
  severity: 'error',
  message: 'unknown claim `enviroment`',
  hint: 'did you mean `environment`?',
  path: 'a.policy.yaml',
  line: 2,
  column: 3,
}

test('a problem is shown with its line and a caret under its column', () => {
  assert.equal(
    formatProblem(problem, 'who:\n  enviroment: x\n'),
    [
      'a.policy.yaml:2:3: error P002: unknown claim `enviroment`',
      '2 |   enviroment: x',
      '      ^',
      '  help: did you mean `environment`?',
    ].join('\n'),
  )
})

test('without the text, or past its end, there is no frame', () => {
  const { hint, ...rest } = problem
  assert.equal(formatProblem(rest), 'a.policy.yaml:2:3: error P002: unknown claim `enviroment`')
  assert.equal(formatProblem(rest, 'one line'), formatProblem(rest))
  assert.equal(hint, 'did you mean `environment`?')
})

test('a terminal is not given control characters of a policy, wherever they stand', () => {
  const odd = '\u001b[2J\u202e\ud800'
  const shown = formatProblem({ ...problem, message: odd, hint: odd, path: odd }, `who:\n  ${odd}: x\n`)
  assert.doesNotMatch(shown, /[\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/u)
  assert.equal(shown.split('\\u{1b}[2J\\u{202e}\\u{d800}').length, 5)
})

test('the caret stands below its column, past what is escaped too', () => {
  const [, line, caret] = formatProblem({ ...problem, column: 2 }, 'who:\n\u001bx: y').split('\n')
  assert.equal(caret?.indexOf('^'), line?.indexOf('x'))
})
