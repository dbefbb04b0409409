/** What the documentation says, held against the code: links, files, commands, configurations, policies. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '@mayfly/broker/config/load'
import { formatProblem as formatConfigProblem } from '@mayfly/broker/config/problem'
import { readPolicyFolder } from '@mayfly/broker/decide/folder'
import { openPolicy } from '@mayfly/broker/decide/policies'
import { loadPolicy } from '@mayfly/policy/load'
import { formatProblem } from '@mayfly/policy/problem'
import { parse } from 'yaml'
import { blocks, pages } from './documentation-pages.ts'
import { selfSigned } from './fakes/certificate.ts'

const yaml = blocks.filter(({ language }) => language === 'yaml')

/** As GitHub makes them of headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function isFragment(text: string, key: string): boolean {
  return new RegExp(`^${key}:`, 'm').test(text) && !/^(?:url|version):/m.test(text)
}

async function configFaults(text: string, path: string): Promise<readonly string[]> {
  const secret = Buffer.alloc(32, 1).toString('base64')
  const loaded = await loadConfig({
    path,
    env: new Proxy({}, { get: () => secret }),
    readText: async () => text,
    // What is shown as a certificate or its key has to be one.
    readFile: async (file) =>
      /\.pem$/.test(file) ? vouched.cert : /\.key$/.test(file) ? vouched.key : secret,
  })
  return loaded.ok ? [] : loaded.problems.map(formatConfigProblem)
}

const vouched = selfSigned('127.0.0.1')

/** What every configuration needs, for blocks that show one part of it. */
const rest: Readonly<Record<string, string>> = {
  url: 'https://mayfly.example.com',
  store: '{ kind: sqlite, path: ./mayfly.db }',
  keys: '{ encryption: { env: MAYFLY_MASTER_KEY } }',
  issuers: '{ github: { preset: github-actions } }',
}

const lock = {
  path: 'policy.lock.yaml',
  text: 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\nusers: {}\n',
}

/** The names that shown policies use beside those of the lock that is shown. */
const lockOfAll = {
  ...lock,
  text: lock.text.replace('users: {}', 'users: { coding-agent: 198982749, dependabot: 49699333 }'),
}

function policyFaults(text: string, strict = false): readonly string[] {
  const files = [{ path: 'block.policy.yaml', text }]
  // Bound files are the team's; a block shows the organisation's.
  if (text.includes('delegations:')) files.push({ path: 'shop.policy.yaml', text: 'version: 1\n' })
  const loaded = loadPolicy(files, lockOfAll)
  const problems = loaded.ok ? (strict ? loaded.warnings : []) : loaded.problems
  return problems.map((problem) => formatProblem(problem, text))
}

test('every relative link leads to a file, and its anchor to a heading', () => {
  for (const page of pages) {
    const prose = readFileSync(page, 'utf8').replaceAll(/^ *```.*?^ *```$/gms, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      assert.ok(existsSync(file), `${page}: ${target}`)
      if (anchor !== undefined) assert.ok(anchorsOf(file).includes(anchor), `${page}: ${target}`)
    }
  }
})

test('every page of the documentation is reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const [, path = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)\s#]+)\)?/g)) {
      const file = normalize(join(dirname(page), path))
      if (!existsSync(file)) continue
      const found = statSync(file).isDirectory() ? globSync(`${file}/*.md`) : [file]
      for (const each of found) if (each.endsWith('.md')) reached.add(normalize(each))
    }
  }
  const lost = pages.filter((page) => page.startsWith('docs/') && !reached.has(page))
  assert.deepEqual(lost, [])
})

test('every configuration that is shown loads', async () => {
  const whole = yaml.filter(({ text }) => /^url:/m.test(text))
  assert.ok(whole.length > 0)
  for (const { page, text } of whole) assert.deepEqual(await configFaults(text, page), [], page)
})

test('every part of a configuration that is shown loads with the rest of one', async () => {
  const parts = [
    'routes',
    'connectors',
    'issuers',
    'introspection',
    'connections',
    'webhooks',
    'dialects',
    'approvals',
  ]
  const shown = yaml.filter(({ text }) => parts.some((part) => isFragment(text, part)))
  assert.deepEqual(
    [...new Set(shown.map(({ text }) => text.slice(0, text.indexOf(':'))))].sort(),
    parts.sort(),
  )
  for (const { page, text } of shown) {
    const missing = Object.entries(rest).filter(([key]) => !new RegExp(`^${key}:`, 'm').test(text))
    const whole = text + missing.map(([key, value]) => `${key}: ${value}\n`).join('')
    assert.deepEqual(await configFaults(whole, page), [], page)
  }
})

test('every policy that is shown loads, and its tests hold', () => {
  const whole = yaml.filter(({ text }) => text.startsWith('version: 1'))
  assert.ok(whole.length > 1)
  // A guide teaches: what it shows has not even a warning.
  for (const { page, text } of whole)
    assert.deepEqual(policyFaults(text, page.startsWith('docs/guide/')), [], page)
})

test('every block of YAML in the guide is one that a test here loads', () => {
  const parts = Object.keys(rest).concat('routes', 'introspection', 'connections', 'dialects', 'approvals')
  const loaded = /^(?:version: 1$|url:|targets:|owners:|jobs:|permissions:)/
  const missed = yaml
    .filter(({ page }) => page.startsWith('docs/guide/'))
    .filter(
      ({ text }) => !loaded.test(text.split('\n')[0] ?? '') && !parts.some((part) => isFragment(text, part)),
    )
  assert.deepEqual(missed, [])
})

test('the targets and the lock that are shown alone fit a policy', () => {
  const targets = yaml.filter(({ text }) => text.startsWith('targets:'))
  assert.ok(targets.length > 0)
  for (const { page, text } of targets) {
    const grant =
      '{ name: a, who: { repo: acme/shop, branch: main, environment: production }, get: orders-api, for: 5m }'
    const whole = `version: 1\nissuers: { github: { owners: [acme] } }\n${text}grants: [${grant}]\n`
    assert.deepEqual(policyFaults(whole), [], page)
  }
  assert.ok(yaml.some(({ text }) => text === lock.text))
})

test('the example configuration loads with its policy, and its routes and resource servers name its targets', async () => {
  for (const path of ['examples/mayfly.yaml', 'examples/deploy/mayfly.yaml'])
    assert.deepEqual(await configFaults(readFileSync(path, 'utf8'), path), [], path)
  const { policies, routes, introspection } = parse(readFileSync('examples/mayfly.yaml', 'utf8'))
  const { policy, warnings } = openPolicy(await readPolicyFolder(join('examples', policies)))
  assert.deepEqual(warnings, [])
  for (const { target } of [...routes, ...introspection]) assert.ok(policy.targets.has(target), target)
})

test('every workflow that is shown uses inputs that the action has, and keeps the permission to read', () => {
  const { inputs } = parse(readFileSync('action.yml', 'utf8'))
  const example = 'examples/github-workflow.yml'
  const shown = [...yaml, { page: example, language: 'yaml', text: readFileSync(example, 'utf8') }]
  const workflows = shown.filter(({ text }) => text.includes('uses: mayfly-dev/mayfly@'))
  assert.ok(workflows.length > 3)
  for (const { page, text } of workflows) {
    const workflow = parse(text)
    const job = workflow.steps === undefined ? Object.values<typeof workflow>(workflow.jobs)[0] : workflow
    assert.deepEqual(job.permissions, { contents: 'read', 'id-token': 'write' }, page)
    for (const step of job.steps.filter(({ uses = '' }) => uses.startsWith('mayfly-dev/'))) {
      for (const name of Object.keys(step.with)) assert.ok(Object.hasOwn(inputs, name), `${page}: ${name}`)
      for (const [name, { required }] of Object.entries<{ required: boolean }>(inputs))
        if (required) assert.ok(Object.hasOwn(step.with, name), `${page}: ${name}`)
    }
  }
})

test('every key of the configuration is in its reference', () => {
  const reference = readFileSync('docs/reference/configuration.md', 'utf8')
  const schema = JSON.parse(readFileSync('schema/mayfly.schema.json', 'utf8'))
  for (const [key, { properties }] of Object.entries<{ properties?: object }>(schema.properties)) {
    const inner = Object.keys(properties ?? {})
    const named = inner.length === 0 ? [key] : inner.map((each) => `${key}.${each}`)
    for (const each of named) assert.ok(reference.includes(`\`${each}`), each)
  }
})

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly { readonly uses?: string; readonly with?: object; readonly run?: string }[]
}

test('every example of a workflow may ask for a token where it does, and gives the action inputs that it has', () => {
  const inputs = Object.keys((parse(readFileSync('action.yml', 'utf8')) as { inputs: object }).inputs)
  const files = globSync('examples/workflows/*.yml')
  assert.ok(files.length >= 5)
  for (const file of files) {
    const { permissions, jobs } = parse(readFileSync(file, 'utf8')) as Workflow
    // Nobody gets a token who does not ask for one.
    assert.equal(permissions?.['id-token'], undefined, file)
    for (const job of Object.values(jobs)) {
      const ours = job.steps.filter(
        ({ uses, run }) => uses?.startsWith('mayfly-dev/mayfly@') || run?.includes('mayfly exec'),
      )
      assert.ok(ours.length > 0, file)
      assert.equal(job.permissions?.['id-token'], 'write', file)
      for (const step of ours)
        assert.deepEqual(
          Object.keys(step.with ?? {}).filter((name) => !inputs.includes(name)),
          [],
          file,
        )
      // What whoever starts a workflow writes must not become a command.
      for (const { run = '' } of job.steps) assert.doesNotMatch(run, /\$\{\{/, file)
    }
  }
})
