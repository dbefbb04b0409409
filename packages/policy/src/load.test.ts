import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { good, head, target, top } from '../test/catalogue.ts'
import { fixtureText, lock } from '../test/fixture.ts'
import { loadPolicy } from './load.ts'
import type { Problem, SourceFile } from './problem.ts'

const codeAndPlace = ({ code, line, column }: Problem) => ({ code, line, column })

test('all faults come in one go, in the order of the file', () => {
  const text = `${head}grants:
  - { name: a, who: { repo: acme/wep, branch: main }, get: staging, for: 10m }
  - { name: b, who: { repo: acme/web, branch: "ma*" }, get: stagin, for: 10 }
`
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], lock)
  assert.ok(!loaded.ok)
  assert.deepEqual(
    loaded.problems.map(({ code, line }) => `${code}:${line}`),
    ['P013:10', 'P003:11', 'P026:11', 'P018:11'],
  )
})

test('no file is no policy', () => {
  const loaded = loadPolicy([], lock)
  assert.ok(!loaded.ok)
  assert.deepEqual(
    loaded.problems.map(({ code }) => code),
    ['P000'],
  )
})

test('several files are one policy, in any order', () => {
  const files: readonly SourceFile[] = [
    { path: 'a.policy.yaml', text: head },
    {
      path: 'b.policy.yaml',
      text: 'version: 1\ngrants: [{ name: it, who: { repo: acme/web, branch: main }, get: staging, for: 1m }]\n',
    },
  ]
  for (const order of [files, files.toReversed()]) assert.ok(loadPolicy(order, lock).ok)
})

test('a name that two files give is a fault in the second', () => {
  const second = `version: 1
targets: { staging: { tier: staging, access: read, secret: x } }
grants: [{ name: it, who: { repo: acme/web, branch: main }, get: staging, for: 1m }]
`
  const loaded = loadPolicy(
    [
      { path: 'a.policy.yaml', text: good },
      { path: 'b.policy.yaml', text: second },
    ],
    lock,
  )
  assert.ok(!loaded.ok)
  assert.deepEqual(
    loaded.problems.map(({ code, path, line }) => `${code} ${path}:${line}`),
    ['P022 b.policy.yaml:2', 'P022 b.policy.yaml:3'],
  )
})

test('two names of the lock with one id are a fault, in each of its sections', () => {
  for (const section of ['owners', 'repos', 'users']) {
    const ids = { owners: 'acme: 9919', repos: 'acme/web: 40211', users: 'octocat: 583231' }
    const text = Object.entries(ids)
      .map(([name, own]) => `${name}:\n  ${own}\n${name === section ? '  one: 77\n  other: 77\n' : ''}`)
      .join('')
    const loaded = loadPolicy([{ path: 'a.policy.yaml', text: good }], { ...lock, text })
    assert.ok(!loaded.ok, section)
    const line = text.split('\n').indexOf('  other: 77') + 1
    assert.deepEqual(loaded.problems.map(codeAndPlace), [{ code: 'P013', line, column: 10 }])
    assert.equal(loaded.problems[0]?.path, lock.path)
  }
})

test('a fault of the lock is reported in the lock', () => {
  const broken = { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos:\n  acme/web: "x"\n' }
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text: good }], broken)
  assert.ok(!loaded.ok)
  assert.deepEqual(loaded.problems.filter(({ path }) => path === broken.path).map(codeAndPlace), [
    { code: 'P013', line: 3, column: 13 },
  ])
})

test('a target with a fault of its own is not also unknown', () => {
  const loaded = loadPolicy([{ path: 'a', text: target('{ tier: x, secret: a }') }], lock)
  assert.ok(!loaded.ok)
  assert.equal(loaded.problems.length, 1)
})

test('the three example policies load without an error', () => {
  for (const name of ['startup', 'company', 'agents']) {
    const loaded = loadPolicy([{ path: name, text: fixtureText(`${name}.policy`) }], lock)
    assert.ok(loaded.ok, JSON.stringify(loaded))
  }
})

/** The files of an example, their text changed. */
function example(name: string, change = (text: string) => text) {
  const folder = new URL(`../../../examples/${name}/policies/`, import.meta.url)
  const file = (path: string) => ({ path, text: readFileSync(new URL(path, folder), 'utf8') })
  const names = readdirSync(folder).filter((path) => path.endsWith('.policy.yaml'))
  const files = names.map(file).map(({ path, text }) => ({ path, text: change(text) }))
  return loadPolicy(files, file('policy.lock.yaml'))
}

test('the examples load without a warning, and all their guardrails are proved', () => {
  for (const name of ['startup', 'company', 'agents']) {
    const loaded = example(name)
    assert.deepEqual(loaded.ok ? loaded.warnings : loaded.problems, [], name)
    assert.ok(loaded.proofs.length >= 3, name)
    assert.deepEqual([...new Set(loaded.proofs.map(({ outcome }) => outcome))], ['proved'], name)
  }
})

test('without either deny rule the agents example is refused, with a token that gets through', () => {
  const denies = [
    / {2}- name: agents never touch(?:\n|[^\n])*?prod-deploy\n/,
    / {2}- name: the agent workflow never(?:\n|[^\n])*?prod-deploy\n/,
  ]
  const expected = [
    { actor_id: '198982749' },
    { job_workflow_ref: /^acme\/pipelines\/\.github\/workflows\/agent\.yml@/ },
  ]
  for (const [at, deny] of denies.entries()) {
    const loaded = example('agents', (text) => {
      assert.match(text, deny)
      return text.replace(deny, '')
    })
    assert.ok(!loaded.ok)
    assert.ok(loaded.problems.some(({ code }) => code === 'P028'))
    const refuted = loaded.proofs.find(
      ({ guardrail }) => guardrail.name === 'no job of an agent reaches production',
    )
    assert.ok(refuted?.outcome === 'refuted')
    const { claims, outcomes } = refuted.counterexample
    assert.deepEqual(
      outcomes.map(({ target, granted, grants }) => ({ target, granted, grants })),
      [{ target: 'prod-deploy', granted: true, grants: ['a person deploys'] }],
    )
    for (const [claim, value] of Object.entries(expected[at] ?? {}))
      assert.match(String(claims[claim] ?? ''), new RegExp(value))
  }
})

test('names of Object.prototype are names like others', () => {
  const text = `${top}targets:
  constructor: { tier: x, access: read, secret: a }
lists: { toString: [acme/web] }
who: { __proto__: { repo: $toString } }
grants: [{ name: it, who: { use: __proto__ }, get: constructor, for: 1m }]
`
  const loaded = loadPolicy([{ path: 'a', text }], lock)
  assert.ok(loaded.ok, JSON.stringify(loaded))
  assert.deepEqual([...loaded.policy.targets.keys()], ['constructor'])
})

test('what would take minutes or gigabytes to understand is refused in seconds, wherever it stands', () => {
  // Six orders of the same lengths, so that no two wildcards of a pattern agree with those of another.
  let seed = 7
  const shuffled = (many: number) => {
    const order = Array.from({ length: many }, (_, at) => at + 1)
    for (let at = many - 1; at > 0; at--) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      const other = seed % (at + 1)
      const [one = 0, two = 0] = [order[at], order[other]]
      order[at] = two
      order[other] = one
    }
    return order
  }
  const words = (many: number) => {
    const lengths = Array.from({ length: 6 }, () => shuffled(many))
    return Array.from({ length: many }, (_, at) => {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = lengths.map((order) => order[at])
      const run = (letter: string, length: number) => letter.repeat(length)
      return `"${run('a', a)}*${run('b', b)}/${run('a', c)}*${run('b', d)}/${run('a', e)}*${run('b', f)}"`
    })
  }
  const patterns = `${head}grants:\n  - { name: it, who: { repo: acme/web, branch: { like: [${words(43).join(', ')}] } }, get: readable, for: 1m }\n`
  const names = Array.from({ length: 200 }, (_, at) => `  w${at}: { use: w${at + 1} }`).join('\n')
  const chain = `${good}who:\n${names}\n  w200: { repo: acme/web }\n`
  for (const text of [patterns, chain]) {
    const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], lock)
    assert.ok(!loaded.ok)
    assert.ok(
      loaded.problems.some(({ code }) => code === 'P038'),
      JSON.stringify(loaded.problems[0]),
    )
  }
})

test('guardrails over alternatives that only patterns keep apart are given up in seconds, which is no proof', () => {
  const alternatives = (letter: string) =>
    Array.from({ length: 250 }, (_, at) => `{ repo: acme/web, branch: { like: "*-${at}${letter}" } }`).join(
      ', ',
    )
  const rule = (name: string, letter: string, get: string) =>
    `  - { name: ${name}, who: [${alternatives(letter)}], get: ${get}, for: 1m }\n`
  const text = `${head}grants:\n${rule('a', 'x', 'staging')}${rule('b', 'y', 'readable')}guardrails: [{ name: g, apart: [staging, readable] }]\n`
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], lock)
  assert.ok(!loaded.ok)
  assert.deepEqual(
    loaded.proofs
      .filter(({ outcome }) => outcome !== 'proved')
      .map(({ guardrail, outcome }) => `${guardrail.name} ${outcome}`),
    ['g unknown'],
  )
})

test('a scope of GitHub says its access itself', () => {
  const app = (scopes: string) =>
    target(
      `{ tier: x, github_app: { app: a, repos: [acme/web], permissions: { contents: write }, scopes: ${scopes} } }`,
    )
  const loaded = loadPolicy([{ path: 'a', text: app('[contents:read, contents:write]') }], lock)
  assert.ok(loaded.ok, JSON.stringify(loaded))
  assert.deepEqual(
    [...(loaded.policy.targets.get('t')?.scopes ?? [])],
    [
      ['contents:read', 'read'],
      ['contents:write', 'write'],
    ],
  )
  const lying = loadPolicy([{ path: 'a', text: app('{ "contents:write": read }') }], lock)
  assert.deepEqual(lying.ok ? [] : lying.problems.map(({ code }) => code), ['P026'])
})
