/** Uses that a patch of `mayfly scan --fix` must not drop, and halves that it must not mix. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { propose } from '../../src/scan/fix/fix.ts'
import { setting } from './fix-fixtures.ts'

const proposed = (steps: readonly string[], env: readonly string[] = []) => {
  const lines = [
    'on: push',
    'permissions: {}',
    'jobs:',
    '  a:',
    '    runs-on: x',
    ...env,
    '    steps:',
    ...steps,
    '',
  ]
  const { files, notes } = propose([{ path: '.github/workflows/a.yml', text: lines.join('\n') }], setting)
  return { after: files[0]?.after ?? '', notes: notes.join('\n') }
}
const wide = ['    env:', `      API_KEY: \${{ secrets.API_KEY }}`]
const script = '      - run: echo "$API_KEY"'

test('a secret of all steps stays where an action reads it: in an input, or in a condition', () => {
  for (const line of [`        with: { key: "\${{ env.API_KEY }}" }`, "        if: env.API_KEY != ''"]) {
    const { after, notes } = proposed([script, '      - uses: acme/publish@v1', line], wide)
    assert.equal(after, '')
    assert.match(notes, /`API_KEY` stays: an action of the job reads it/)
  }
})

test('where actions ran beside a secret of all steps, somebody is told that they do not see it any more', () => {
  const told = /job `a`: `acme\/publish@v1` does not see `API_KEY` any more/
  assert.match(proposed([script, '      - uses: acme/publish@v1'], wide).notes, told)
  assert.doesNotMatch(proposed([script, '      - uses: actions/checkout@v4'], wide).notes, /does not see/)
})

test('half a key of AWS is not replaced beside the other half', () => {
  const id = `          AWS_ACCESS_KEY_ID: \${{ vars.AWS_ACCESS_KEY_ID }}`
  const secret = `          AWS_SECRET_ACCESS_KEY: \${{ secrets.AWS_SECRET_ACCESS_KEY }}`
  const { after, notes } = proposed(['      - run: aws s3 ls', '        env:', id, secret])
  assert.equal(after, '')
  assert.match(notes, /`AWS_SECRET_ACCESS_KEY` stays: the other half of its key is not among the secrets/)
  const local = ['AWS_ACCESS_KEY_ID: test', 'AWS_SECRET_ACCESS_KEY: test'].map((each) => `          ${each}`)
  const both = [id.replace('vars', 'secrets'), secret]
  const steps = [
    '      - run: aws s3 ls',
    '        env:',
    ...both,
    '      - run: ./local',
    '        env:',
    ...local,
  ]
  assert.match(proposed(steps).after, /target: aws\n/)
})

test('the id of our step is none that the job has, in whatever case', () => {
  const { after } = proposed([
    '      - run: a\n        id: Mayfly',
    '      - run: b\n        id: MAYFLY-2',
    `      - run: c\n        env: { A: "\${{ secrets.A }}" }`,
  ])
  assert.match(after, /- id: mayfly-3\n/)
  assert.match(after, /steps\.mayfly-3\.outputs\.token-a/)
})
