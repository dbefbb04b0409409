/** Static secrets that a quick reader misses: by an alias in another job, beside another, in a comment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanFile } from '../../src/scan/scan.ts'

const head = 'on: push\npermissions: {}\njobs:\n'
const found = (jobs: string) =>
  scanFile('.github/workflows/a.yml', head + jobs).map(
    ({ line, column, rule, message }) => `${line}:${column} ${rule.id} ${message}`,
  )
const job = (name: string, steps: string) => `  ${name}:\n    runs-on: x\n    steps:\n${steps}`

test('an alias in a second job gives the secret to that job too, and to one job only once', () => {
  const first = job('one', `      - run: a\n        env: &keys { A: "\${{ secrets.A }}" }\n`)
  const again = `      - run: b\n        env: *keys\n`
  assert.deepEqual(found(first + again + job('two', again)), [
    '8:26 MS002 `A`, a static secret, goes to `step 1` of job `one`',
    '8:26 MS002 `A`, a static secret, goes to `step 1` of job `two`',
  ])
})

test('an action that is not pinned sees what an alias of another job gives it', () => {
  const first = job('one', `      - run: a\n        env: &keys { A: "\${{ secrets.A }}" }\n`)
  const second = job('two', '      - uses: acme/deploy@v1\n        env: *keys\n')
  assert.ok(found(first + second).includes('12:15 MS030 `acme/deploy@v1` sees `A`'))
})

test('every credential of a file is found where it stands: two of a script, and one of a comment', () => {
  const key = (last: string) => `AKIA${'A'.repeat(15)}${last}`
  const steps = `      - run: |\n          x ${key('B')} ${key('B')}\n          y ${key('C')}\n      # z ${key('D')}\n`
  const told = found(job('one', steps))
  assert.deepEqual(
    told.map((each) => each.split(' ').slice(0, 2).join(' ')),
    ['8:13 MS007', '8:34 MS007', '9:13 MS007', '10:11 MS007'],
  )
  assert.doesNotMatch(told.join(), /AKIA/)
})
