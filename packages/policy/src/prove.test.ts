import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixtureText, lock, smallPolicy } from '../test/fixture.ts'
import { buildPolicy } from './build.ts'
import { decideByRules } from './decide.ts'
import { loadPolicy } from './load.ts'
import { type Proof, provePolicy } from './prove.ts'
import { Faults } from './read/faults.ts'

/** Proofs of a policy that may be too dangerous to load. */
function proofsOf(text: string) {
  const faults = new Faults()
  const built = buildPolicy([{ path: 'a.policy.yaml', text }], lock, faults)
  assert.deepEqual(
    faults.all().filter(({ severity }) => severity === 'error'),
    [],
  )
  assert.ok(built !== undefined)
  return { policy: built.policy, proofs: provePolicy(built.policy) }
}

function only(proofs: readonly Proof[], name: string): Proof {
  const proof = proofs.find(({ guardrail }) => guardrail.name === name)
  assert.ok(proof !== undefined, name)
  return proof
}

/** The token that breaks the guardrail, after the evaluator granted it here once more. */
function replayed(text: string, name: string): Readonly<Record<string, string | null>> {
  const { policy, proofs } = proofsOf(text)
  const proof = only(proofs, name)
  assert.equal(proof.outcome, 'refuted')
  const { issuer, claims, shown, outcomes } = proof.counterexample
  for (const { target, granted } of outcomes)
    assert.equal(decideByRules(policy, { issuer, claims, target }).allowed, granted)
  return shown
}

for (const name of ['startup', 'company', 'agents']) {
  test(`every guardrail of the ${name} example is proved`, () => {
    const loaded = loadPolicy([{ path: 'a.policy.yaml', text: fixtureText(`${name}.policy`) }], lock)
    assert.ok(loaded.ok)
    assert.ok(loaded.proofs.length >= 6)
    assert.deepEqual(
      loaded.proofs.filter(({ outcome }) => outcome !== 'proved'),
      [],
    )
  })
}

const agents = fixtureText('agents.policy')
const guardrail = 'nothing that an agent starts reaches production'

test('without the deny rule of agents, an agent in a production job is found', () => {
  const text = agents.replace(/^ {2}- \{ name: agents never touch production,.*\n/m, '')
  assert.notEqual(text, agents)
  const shown = replayed(text, guardrail)
  assert.match(shown['actor_id'] ?? '', /coding-agent|review-agent/)
  assert.equal(shown['environment'], 'production')
})

test('without the deny rule of the agent workflow, a person who starts it is found', () => {
  const text = agents.replace(/^ {2}- name: the agent workflow never touches production\n( {4}.*\n)+/m, '')
  assert.notEqual(text, agents)
  const shown = replayed(text, guardrail)
  assert.equal(shown['workflow.file'], '.github/workflows/agent.yml')
})

test('a plan without an environment gives production to a staging job', () => {
  const company = fixtureText('company.policy')
  const text = company.replace('environment: { absent: true }, ', '')
  assert.notEqual(text, company)
  assert.equal(replayed(text, 'a staging job never holds production')['environment'], 'staging')
})

test('a lifetime that is too long is no fault of those to whom the grant is denied', () => {
  const grant = '  - { name: it, who: { repo: acme/web, branch: [main, next] }, get: staging, for: 30m }'
  const rules = (denied: string) =>
    smallPolicy(
      grant,
      `deny: [{ name: no, who: { branch: ${denied} } }]
guardrails: [{ name: short, max: 10m, get: staging }]`,
    )
  assert.equal(replayed(rules('main'), 'short')['ref'], 'refs/heads/next')
  assert.equal(only(proofsOf(rules('[main, next]')).proofs, 'short').outcome, 'proved')
})

test('a name that would make a token readable is left out where a rule speaks of names', () => {
  const grant = '  - { name: it, who: { repo: acme/web, branch: main }, get: staging, for: 10m }'
  const rules = `deny: [{ name: no, who: { repository: acme/web } }]
guardrails: [{ name: nobody, never: { branch: main }, get: staging }]`
  assert.equal(replayed(smallPolicy(grant, rules), 'nobody')['ref'], 'refs/heads/main')
})
