import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lock as fixtureLock, fixtureText, smallPolicy } from '../test/fixture.ts'
import { loadPolicy } from './load.ts'
import { lockOf, lockText, parseLock } from './lock-text.ts'
import { lockedNames } from './locked-names.ts'
import { emptyLock } from './read/lock.ts'

const read = (text: string) => lockedNames([{ path: 'a.policy.yaml', text }])
const named = ({ section, name }: { section: string; name: string }) => `${section} ${name}`

const everywhere = smallPolicy(
  `  - { name: it, who: { use: ours, branch: main }, get: staging, for: 10m }
  - { name: of, who: { owner: acme, branch: next, actor: { not: Octo-Bot } }, get: staging, for: 10m }`,
  `lists:
  web: [acme/web, Acme/API]
who:
  ours: { repo: $web }
  unused: { repo: acme/unused }
deny:
  - { name: no, who: { actor: ["dependabot[bot]", mallory] } }
tests:
  - { name: t, token: { repo: acme/web, actor: tester, branch: main }, asks: staging, expect: grant }
  - { name: u, token: { repo: elsewhere/else }, asks: staging, expect: deny }
`,
)

test('every name is found: owners, lists, who, grants, deny, tests; folded and once', () => {
  const { names, problems } = read(everywhere)
  assert.deepEqual(problems, [])
  assert.deepEqual(names.map(named).sort(), [
    'owners acme',
    'repos acme/api',
    'repos acme/unused',
    'repos acme/web',
    'repos elsewhere/else',
    'users dependabot[bot]',
    'users mallory',
    'users octo-bot',
    'users tester',
  ])
})

test('names of guardrails and of a team’s own file are found', () => {
  const organisation = smallPolicy(
    '  - { name: it, who: { repo: acme/web, branch: main }, get: staging, for: 10m }',
    `delegations:
  team.policy.yaml: { who: { repo: acme/delegated }, get: staging }
guardrails:
  - { name: not them, never: { actor: guarded }, get: staging }
  - { name: only those, only: { owner: [acme, partner] }, get: prod }
tests:
  - { name: t, token: { repo: acme/tested, branch: main }, asks: staging, expect: deny }
`,
  )
  const team = `version: 1
grants:
  - { name: team, who: { repo: acme/delegated, branch: main, actor: { not: teammate } }, get: staging, for: 5m }
`
  const { names } = lockedNames([
    { path: 'p/a.policy.yaml', text: organisation },
    { path: 'p/team.policy.yaml', text: team },
  ])
  assert.deepEqual(names.map(named), [
    'owners acme',
    'repos acme/web',
    'repos acme/delegated',
    'users guarded',
    'owners partner',
    'repos acme/tested',
    'users teammate',
  ])
})

test('a guardrail that does not hold hides no name', () => {
  const { names, problems } = read(
    smallPolicy(
      '  - { name: it, who: { repo: acme/web, branch: main }, get: staging, for: 10m }',
      `guardrails: [{ name: no, never: { branch: main }, get: staging }]
tests:
  - { name: t, token: { repo: acme/tested, branch: main }, asks: staging, expect: deny }
`,
    ),
  )
  assert.deepEqual({ problems, last: names.map(named).at(-1) }, { problems: [], last: 'repos acme/tested' })
})

test('each name has the place where the policy says it first', () => {
  const { names } = read(everywhere)
  for (const { name, place } of names) {
    const line = everywhere.split('\n')[place.line - 1] ?? ''
    const said = line
      .slice(place.column - 1)
      .replace(/^"/, '')
      .toLowerCase()
    assert.ok(said.startsWith(name), `${name}: ${line}`)
  }
})

test('patterns, workflows and claims with ids need nothing from the lock', () => {
  const who = `{ repo: { like: "acme/x-*" }, workflow: { repo: acme/pipelines }, branch: main }`
  const { names } = read(smallPolicy(`  - { name: it, who: ${who}, get: staging, for: 10m }`))
  assert.deepEqual(names.map(named), ['owners acme'])
})

test('a lock of exactly these names loads the policy, for each fixture', () => {
  const ids = parseLock(fixtureLock).lock
  for (const name of ['startup', 'company', 'agents']) {
    const file = { path: `${name}.policy.yaml`, text: fixtureText(`${name}.policy`) }
    const { names, problems } = lockedNames([file], ids)
    assert.deepEqual(problems, [], name)
    const resolved = names.map(({ section, name: said }) => ({
      section,
      name: said,
      id: ids[section].get(said) ?? '',
    }))
    const text = lockText(lockOf(resolved))
    assert.ok(loadPolicy([file], { path: 'policy.lock.yaml', text }).ok, name)
    for (const { section, name: said } of names) {
      const without = lockOf(resolved.filter((each) => each.section !== section || each.name !== said))
      assert.equal(loadPolicy([file], { path: 'l', text: lockText(without) }).ok, false, `${name}: ${said}`)
    }
  }
})

test('a test that fails because of an id that is not known yet is no problem', () => {
  const text = smallPolicy(
    '  - { name: it, who: { repo: acme/web, branch: main }, get: staging, for: 10m }',
    `tests:
  - { name: t, token: { repo: acme/web, branch: main, repository_id: "40211" }, asks: staging, expect: grant }
  - { name: u, token: { repo: acme/api, branch: main }, asks: staging, expect: deny }
`,
  )
  assert.deepEqual(read(text).problems, [])
  assert.deepEqual(read(text).names.map(named), ['owners acme', 'repos acme/web', 'repos acme/api'])
})

test('other faults are told: names behind them may be unseen', () => {
  const { names, problems } = read(
    smallPolicy('  - { name: it, who: { repo: acme/web }, get: staging, for: 10m }'),
  )
  assert.deepEqual(names.map(named), ['owners acme', 'repos acme/web'])
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['P010'],
  )
  assert.ok(read('version: [').problems.length > 0)
  assert.ok(lockedNames([]).problems.length > 0)
})

test('a lock in which two names share an id is no obstacle', () => {
  const shared = {
    ...emptyLock,
    repos: new Map([
      ['acme/web', '1'],
      ['acme/api', '1'],
    ]),
  }
  assert.deepEqual(lockedNames([{ path: 'a', text: everywhere }], shared).problems, [])
})

test('a name cannot pose as another by what it is called', () => {
  const odd = "x` is not in the lock's `users"
  const { names } = read(
    smallPolicy(`  - { name: it, who: { repo: "${odd}", branch: main }, get: staging, for: 1m }`),
  )
  assert.deepEqual(names.map(named), ['owners acme', `repos ${odd}`])
})
