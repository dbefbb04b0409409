import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf, smallPolicy, token } from '../test/fixture.ts'
import { decide } from './decide.ts'
import type { RecordedDecision } from './recorded.ts'
import { replay } from './replay.ts'

const grant = (who: string, get = 'staging', time = '10m') =>
  `  - { name: it, who: ${who}, get: ${get}, for: ${time} }`
const before = policyOf(smallPolicy(grant('{ repo: acme/web, branch: { like: "release/*" } }')))

let count = 0

/** What the policy says today, as the log would hold it. */
function recorded(changes: Record<string, unknown>, target = 'staging'): RecordedDecision {
  const request = { issuer: 'github', target, claims: token(changes) }
  const decision = decide(before, request)
  const { allowed } = decision
  const outcome = allowed
    ? { allowed, grants: decision.grants, scopes: decision.scopes, seconds: decision.seconds }
    : { allowed, code: decision.code }
  return { id: `au_${count++}`, ...request, dropped: [], outcome }
}

const release = { ref: 'refs/heads/release/1' }
const history = [
  recorded(release),
  recorded(release),
  recorded({ ref: 'refs/heads/release/2' }),
  recorded({}),
]

test('under the policy that decided, nothing changes', async () => {
  assert.deepEqual(await replay(before, history), { decisions: 4, same: 4, differences: [] })
})

test('who would be refused and who would be let in is counted, with the reason and a few entries', async () => {
  const after = policyOf(smallPolicy(grant('{ repo: acme/web, branch: [main, release/2] }')))
  const { same, differences } = await replay(after, history)
  assert.equal(same, 1)
  assert.deepEqual(
    differences.map(({ change, before: was, count: times, entries }) => ({ change, was, times, entries })),
    [
      { change: 'granted', was: 'no_grant', times: 1, entries: [history[3]?.id] },
      { change: 'refused', was: 'it (600 s)', times: 2, entries: [history[0]?.id, history[1]?.id] },
    ],
  )
  assert.match(differences[1]?.after ?? '', /^no_grant: it: ref is refs\/heads\/release\/1, needs one of/)
})

test('a shorter lifetime is a change; a renamed grant is none', async () => {
  const shorter = policyOf(
    smallPolicy(grant('{ repo: acme/web, branch: { like: "release/*" } }', 'staging', '5m')),
  )
  assert.deepEqual(
    (await replay(shorter, history)).differences.map(({ change, count: times }) => [change, times]),
    [['shorter', 3]],
  )
  const renamed = grant('{ repo: acme/web, branch: { like: "release/*" } }').replace(
    'name: it',
    'name: other',
  )
  assert.deepEqual((await replay(policyOf(smallPolicy(renamed)), history)).differences, [])
})

test('a record that left out what this policy reads is never taken for a yes or a no', async () => {
  const team = (names: string) =>
    policyOf(
      `${smallPolicy(grant('{ repo: acme/web, branch: main }')).replace('[team, regions]', `[${names}]`)}`,
    )
  const changes = async (dropped: RecordedDecision['dropped'], changed: Record<string, unknown> = {}) =>
    (await replay(team('team'), [{ ...recorded(changed), dropped }])).differences.map(({ change }) => change)
  assert.deepEqual(await changes([]), ['granted'])
  assert.deepEqual(await changes(['sha', 'repo_property_other']), ['granted'])
  assert.deepEqual(await changes(['sha', 'repo_property_team']), ['undecided'])
  assert.deepEqual(await changes(['environment']), ['undecided'])
  assert.deepEqual(await changes(undefined), ['undecided'])
  assert.deepEqual(await changes([], release), ['refused'])
  assert.deepEqual(await changes([], { repo_property_team: 'a[cut: 700 characters]' }), ['undecided'])
})
