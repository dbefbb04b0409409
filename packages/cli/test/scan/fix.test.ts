/** What `mayfly scan --fix` proposes: a policy that holds, and workflows that still are what they were. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadPolicy } from '@mayfly/policy/load'
import { lockOf, lockText } from '@mayfly/policy/lock-text'
import { lockedNames } from '@mayfly/policy/locked-names'
import { parse } from 'yaml'
import { propose } from '../../src/scan/fix/fix.ts'
import { scanFile } from '../../src/scan/scan.ts'
import { fixtures, rest, setting, source } from './fix-fixtures.ts'

/** With ids that are made up. */
function load(text: string) {
  const files = [{ path: 'shop.policy.yaml', text }]
  const names = lockedNames(files).names.map(({ section, name }, at) => ({
    section,
    name,
    id: `${7000 + at}`,
  }))
  return loadPolicy(files, { path: 'policy.lock.yaml', text: lockText(lockOf(names)) })
}

for (const name of fixtures) {
  test(`${name}: what is proposed loads, proves, passes its tests, and leaves less to find`, () => {
    const before = source(name)
    const { files, notes } = propose([before], setting)
    const found = scanFile(before.path, before.text)
    const secrets = found.filter(({ rule }) => /^MS00[12]$/.test(rule.id))
    const patched = files.find(({ path }) => path === before.path)
    const policy = files.find(({ path }) => path === 'policies/shop.policy.yaml')
    // Each secret goes, or somebody is told why not.
    if (secrets.length > 0 && before.path.startsWith('.github'))
      assert.ok(policy !== undefined || notes.length > 0)
    if (policy !== undefined) {
      const loaded = load(policy.after)
      assert.deepEqual(loaded.ok ? [] : loaded.problems, [])
      assert.ok(loaded.tests.length >= 3 && loaded.proofs.length >= 3)
    }
    if (patched === undefined) return
    const left = scanFile(before.path, patched.after)
    assert.ok(left.length < found.length)
    const kinds = (of: typeof found) => Map.groupBy(of, ({ rule }) => rule.id)
    for (const [id, same] of kinds(left)) assert.ok(same.length <= (kinds(found).get(id)?.length ?? 0), id)
    assert.deepEqual(rest(patched.after), rest(before.text))
    assert.equal(propose([{ ...before, text: patched.after }], setting).files.length, 0, 'again')
  })
}

test('all together are one policy that holds', () => {
  const { files } = propose(fixtures.map(source), setting)
  const policy = files.find(({ path }) => path === 'policies/shop.policy.yaml')
  const loaded = load(policy?.after ?? '')
  assert.deepEqual(loaded.ok ? [] : loaded.problems, [])
  assert.ok(loaded.ok && loaded.policy.grants.length > 10)
})

test('keys of AWS become a role whose keys the tools find by the same names', () => {
  const { files, notes } = propose([source('deploy-aws-keys.yml')], setting)
  const after = files[0]?.after ?? ''
  assert.doesNotMatch(after, /secrets\./)
  assert.match(
    after,
    /with:\n +url: https:\/\/mayfly\.example\.com\n +target: aws-production\n +- uses: aws-actions/,
  )
  assert.match(files[1]?.after ?? '', /aws-production: \{ tier: production, .*aws_role: "arn:aws:iam::/)
  assert.match(notes.join('\n'), /write the role's ARN/)
})

/** A job on pushes to main, with these variables in its one script. */
function workflowOf(variables: Readonly<Record<string, string>>, environment = ''): string {
  const lines = Object.entries(variables).map(([key, name]) => `          ${key}: \${{ secrets.${name} }}`)
  const at = environment === '' ? [] : [`    environment: ${environment}`]
  const head = ['on: push', 'permissions: {}', 'jobs:', '  a:', '    runs-on: ubuntu-latest', ...at]
  return [...head, '    steps:', '      - run: ./deploy.sh', '        env:', ...lines, ''].join('\n')
}

const targetsOf = (files: readonly { readonly path: string; readonly after: string }[]) =>
  Object.keys(
    (parse(files.find(({ path }) => path.startsWith('policies'))?.after ?? '{}') as { targets?: object })
      .targets ?? {},
  )

test('keys of AWS that have another name are another role', () => {
  const keys = (prefix: string) => ({
    AWS_ACCESS_KEY_ID: `${prefix}_ACCESS_KEY_ID`,
    AWS_SECRET_ACCESS_KEY: `${prefix}_SECRET_ACCESS_KEY`,
  })
  const file = (name: string, text: string) => ({ path: `.github/workflows/${name}.yml`, text })
  const both = [file('a', workflowOf(keys('AWS'))), file('b', workflowOf(keys('BACKUP_AWS')))]
  assert.deepEqual(targetsOf(propose(both, setting).files), ['aws', 'backup-aws'])
  const apart = [
    file('a', workflowOf(keys('AWS'), 'staging')),
    file('b', workflowOf(keys('AWS'), 'production')),
  ]
  assert.deepEqual(targetsOf(propose(apart, setting).files), ['aws-production', 'aws-staging'])
})

test('two secrets that would be one target are not proposed', () => {
  const text = [workflowOf({ A: 'KEY_TOOLS' }), workflowOf({ A: 'KEY' }, 'tools')]
  const files = text.map((each, at) => ({ path: `.github/workflows/${at}.yml`, text: each }))
  const { files: made, notes } = propose(files, setting)
  assert.deepEqual(made, [])
  assert.match(notes.join('\n'), /nothing is proposed: its policy would not load/)
})

test('a secret of the environment of all steps is given to the scripts that name it, and to no other step', () => {
  const text = [
    'on: { push: { branches: [main] } }',
    'permissions: { contents: read }',
    'jobs:',
    '  a:',
    '    runs-on: ubuntu-latest',
    '    env:',
    `      API_KEY: \${{ secrets.API_KEY }}`,
    '    steps:',
    '      - run: npm ci',
    '      - run: echo "$API_KEY"',
    '        env: { API_KEY: none }',
    '      - run: echo "$API_KEY"',
    '        env: { LEVEL: debug }',
    '      - run: curl -H "key:$API_KEY" https://api.acme.example',
    '        env:',
    '          LEVEL: info',
    '',
  ].join('\n')
  const [patched] = propose([{ path: '.github/workflows/a.yml', text }], setting).files
  const { steps, env } = (parse(patched?.after ?? '') as { jobs: { a: { steps: object[]; env: unknown } } })
    .jobs.a
  assert.equal(env, undefined)
  const value = `\${{ steps.mayfly.outputs.token-api-key }}`
  assert.deepEqual(steps, [
    { run: 'npm ci' },
    { run: 'echo "$API_KEY"', env: { API_KEY: 'none' } },
    {
      id: 'mayfly',
      uses: setting.action,
      with: { url: setting.url, target: 'api-key', export: 'output' },
    },
    { run: 'echo "$API_KEY"', env: { API_KEY: value, LEVEL: 'debug' } },
    {
      run: 'curl -H "key:$API_KEY" https://api.acme.example',
      env: { API_KEY: value, LEVEL: 'info' },
    },
  ])
})

test('where no permissions were said, somebody is told that a job now has few', () => {
  const told = (name: string) =>
    propose([source(name)], setting).notes.filter((note) => note.includes('now may'))
  assert.match(told('deploy-gcp-json.yml').join(), /job `release` now may read contents/)
  assert.match(
    told('monorepo-cron.yml').join(),
    /job `publish-report` now may.*jobs without permissions now may read/,
  )
  assert.match(told('pypi-publish.yml').join(), /job `upload` now may read contents/)
  assert.deepEqual(told('npm-publish.yml'), [])
})

test('filters become what a policy can say, with a note where that is not the same, and exclusions leave no pattern', () => {
  const lines = (push: string) => {
    const text = workflowOf({ A: 'A' }).replace('on: push', `on: { push: { ${push} } }`)
    const { files, notes } = propose([{ path: '.github/workflows/a.yml', text }], setting)
    const { grants } = parse(files[1]?.after ?? '') as { grants: { who: Record<string, unknown> }[] }
    const refs = grants.map(({ who }) => who['branch'] ?? who['tag'])
    return [refs, notes.filter((note) => note.includes('filter')).map((note) => note.split(': ')[1])]
  }
  assert.deepEqual(lines('branches: [main, release/*]'), [['main', { like: 'release/*' }], []])
  assert.deepEqual(lines('tags: ["v[0-9]+.*"]'), [
    [{ like: 'v*' }],
    ['the tag filter `v[0-9]+.*` is `v*` in the policy'],
  ])
  assert.deepEqual(lines('branches: [main, "release/**", "!release/old"]'), [
    ['main'],
    [
      'the branch filter `release/**` is not in the policy',
      'the branch filter `!release/old` is not in the policy',
    ],
  ])
  assert.deepEqual(lines('branches: ["**"]'), [['main'], ['the branch filter `**` is not in the policy']])
})

test('keys of AWS come right before the first step that needs them, and lines end as they did', () => {
  const text = [
    'on: push',
    'permissions: {}',
    'jobs:',
    '  a:',
    '    runs-on: ubuntu-latest',
    '    steps:',
    '      - run: npm ci',
    '        env:',
    `          TOKEN: \${{ secrets.NPM_TOKEN }}`,
    '      - run: aws s3 ls',
    '        env:',
    `          AWS_ACCESS_KEY_ID: \${{ secrets.AWS_ACCESS_KEY_ID }}`,
    `          AWS_SECRET_ACCESS_KEY: \${{ secrets.AWS_SECRET_ACCESS_KEY }}`,
    '',
  ].join('\r\n')
  const after = propose([{ path: '.github/workflows/a.yml', text }], setting).files[0]?.after ?? ''
  const { steps } = (
    parse(after) as { jobs: { a: { steps: { run?: string; with?: { target: string } }[] } } }
  ).jobs.a
  assert.deepEqual(
    steps.map((step) => step.run ?? step.with?.target),
    ['npm-token', 'npm ci', 'aws', 'aws s3 ls'],
  )
  assert.doesNotMatch(after, /[^\r]\n/)
})

test('what outsiders start, what is shared by an anchor and what cannot be followed stays, and is told', () => {
  const stays = (name: string) => {
    const { files, notes } = propose([source(name)], setting)
    assert.equal(
      files.some(({ path }) => path.endsWith('.policy.yaml')),
      false,
      name,
    )
    return notes.join('\n')
  }
  assert.match(stays('comment-deploy.yml'), /also runs on issue_comment, for which a policy gives nothing/)
  assert.match(stays('anchors.yml'), /shared by an anchor/)
  assert.match(stays('reusable-caller-inherit.yml'), /the workflow that it calls must ask for itself/)
  assert.match(stays('terraform-env.yml'), /`ARM_CLIENT_SECRET` stays: not every job can ask for it/)
  const flow = `on: push\npermissions: {}\njobs: { a: { runs-on: x, steps: [ { run: x, env: { A: "\${{ secrets.A }}" } } ] } }\n`
  const { files, notes } = propose([{ path: '.github/workflows/a.yml', text: flow }], setting)
  assert.deepEqual(files, [])
  assert.match(notes.join('\n'), /left as it is: /)
})

test('a name that is made for patterns, and text that a terminal would obey, get no patch', () => {
  const text = (name: string) =>
    `on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: x\n        env:\n          A: \${{ secrets${name} }}\n`
  const path = '.github/workflows/a.yml'
  assert.deepEqual(
    propose([{ path, text: text("['(.+)+$']") }], setting).files.filter((each) =>
      /secrets\./.test(each.after),
    ),
    [],
  )
  assert.deepEqual(propose([{ path, text: `# \x1b[2J\n${text('.A')}` }], setting).files, [])
  assert.deepEqual(propose([{ path, text: `# \u202e\n${text('.A')}` }], setting).files, [])
})
