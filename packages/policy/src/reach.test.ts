import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixturePolicy, fixtureText, lock } from '../test/fixture.ts'
import { conditionsOf } from './conditions.ts'
import { reach, who } from './reach.ts'

const text = fixtureText('agents.policy')
const policy = fixturePolicy('agents')

function reached(words: string): readonly string[] {
  const read = conditionsOf(words, [{ path: 'a.policy.yaml', text }], lock, undefined)
  assert.ok(read.ok, JSON.stringify(read))
  return reach(policy, read.issuer, read.boxes)
    .map(({ target, seconds, grants }) => `${target} ${seconds} ${grants.join()}`)
    .toSorted()
}

test('what conditions can reach, after deny rules', () => {
  assert.deepEqual(
    reached('agent-job').map((line) => line.split(' ')[0]),
    ['agent-code', 'preview-db'],
  )
  assert.ok(
    reached('{ repo: acme/web, branch: main, environment: production }').some((line) =>
      line.startsWith('prod-deploy 900 human-deploy'),
    ),
  )
  assert.deepEqual(reached('{ repo: acme/infra }'), [])
})

test('what is of production comes first', () => {
  const read = conditionsOf('{ repo: acme/web }', [{ path: 'a.policy.yaml', text }], lock, undefined)
  assert.ok(read.ok)
  const tiers = reach(policy, read.issuer, read.boxes).map(({ tier }) => tier === 'production')
  assert.deepEqual(
    tiers,
    tiers.toSorted((a, b) => Number(b) - Number(a)),
  )
  assert.equal(new Set(tiers).size, 2)
})

test("who can get a target, in the policy's words", () => {
  const [way, second] = who(policy, 'prod-deploy')
  assert.equal(second, undefined)
  assert.deepEqual([way?.grant, way?.seconds, way?.certain], ['human-deploy', 900, true])
  assert.ok(way?.conditions.includes('ref refs/heads/main'))
  assert.deepEqual(way?.unless, [
    'agents never touch production',
    'the agent workflow never touches production',
  ])
  assert.deepEqual(who(policy, 'nothing-here'), [])
})

test('conditions that make no sense are refused like those of a policy', () => {
  const codes = (words: string, issuer?: string) => {
    const read = conditionsOf(words, [{ path: 'a.policy.yaml', text }], lock, issuer)
    return read.ok ? [] : read.problems.map(({ code, path }) => `${code} ${path}`)
  }
  assert.deepEqual(codes('nobody'), ['P001 WHO'])
  assert.deepEqual(codes('{ enviroment: x }'), ['P002 WHO'])
  assert.deepEqual(codes('{ branch: main, tag: v1 }'), ['P007 WHO'])
  assert.deepEqual(codes('{ branch: main }', 'gitlab'), ['P001 WHO'])
})
