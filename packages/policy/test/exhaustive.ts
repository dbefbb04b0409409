/**
 * The exhaustive engine: random policies, read by the product's own reader; every guardrail's verdict is compared
 * with a search over all tokens that the policy can tell apart, judged by the meaning in `model/`, which shares
 * nothing with `src`. Each counterexample must be real for both sides, and decisions are compared token by token.
 */
import { buildPolicy } from '../src/build.ts'
import { decideByRules } from '../src/decide.ts'
import type { Policy } from '../src/policy.ts'
import { type Proof, provePolicy } from '../src/prove.ts'
import { Faults } from '../src/read/faults.ts'
import { Chance } from './model/chance.ts'
import { decisionFaults } from './model/decisions.ts'
import { breaks, givenTo, holdsAnyOf, type Meaning, meaningOf, realFor, type Watch } from './model/meaning.ts'
import type { ModelPolicy } from './model/model.ts'
import { lockText, policyText } from './model/policy-text.ts'
import { randomPolicy } from './model/random-policy.ts'
import { readRaw } from './model/raw-token.ts'
import { type Space, spaceOf } from './model/space.ts'

export interface Exhausted {
  readonly policies: number
  /** Random texts that were no policy: contradictions, or too many tokens to look at. */
  readonly thrownAway: number
  readonly proved: number
  readonly refuted: number
  readonly tokens: number
  readonly decisions: number
  /** What is wrong, at most a few, with the policy's text. */
  readonly faults: readonly string[]
}

const MOST_TOKENS = 8000

export function built(model: ModelPolicy): Policy | undefined {
  const faults = new Faults()
  const file = { path: 'a.policy.yaml', text: policyText(model) }
  const made = buildPolicy([file], { path: 'policy.lock.yaml', text: lockText }, faults)
  return faults.failed ? undefined : made?.policy
}

/** Looks at so many random policies; ends early when enough is wrong. */
export function exhaust(seed: number, policies: number, mostFaults = 3): Exhausted {
  const chance = new Chance(seed)
  const tally = { policies: 0, thrownAway: 0, proved: 0, refuted: 0, tokens: 0, decisions: 0 }
  const faults: string[] = []
  while (tally.policies < policies && faults.length < mostFaults) {
    const model = randomPolicy(chance)
    const meaning = meaningOf(model)
    const spaces = new Map(model.issuers.map(({ name }) => [name, spaceOf(meaning, name)]))
    const policy = [...spaces.values()].some(({ size }) => size > MOST_TOKENS) ? undefined : built(model)
    if (policy === undefined) {
      tally.thrownAway++
      continue
    }
    tally.policies++
    const broken = brokenIn(meaning, spaces)
    for (const { size } of spaces.values()) tally.tokens += size
    const proofs = provePolicy(policy)
    for (const proof of proofs) tally[proof.outcome === 'proved' ? 'proved' : 'refuted']++
    const compared = decisionFaults(policy, meaning, spaces, chance)
    tally.decisions += compared.decisions
    const found = [
      ...verdictFaults(meaning, proofs, broken),
      ...counterexampleFaults(policy, meaning, proofs),
      ...compared.faults,
    ]
    if (found.length > 0) faults.push([...found.slice(0, 3), policyText(model)].join('\n'))
  }
  return { ...tally, faults }
}

/** The guardrails that some token of the spaces breaks. */
function brokenIn(meaning: Meaning, spaces: ReadonlyMap<string, Space>): ReadonlySet<Watch> {
  const broken = new Set<Watch>()
  for (const [name, space] of spaces) {
    const rules = meaning.rules.get(name)
    if (rules === undefined) continue
    space.each((read, holds) => {
      const given = givenTo(rules, holds)
      const hit = meaning.guardrails.filter(
        (watch) => !broken.has(watch) && breaks(watch, name, given, holds),
      )
      if (hit.length > 0 && realFor(rules, read)) for (const watch of hit) broken.add(watch)
      return broken.size < meaning.guardrails.length
    })
  }
  return broken
}

function verdictFaults(
  meaning: Meaning,
  proofs: readonly Proof[],
  broken: ReadonlySet<Watch>,
): readonly string[] {
  const expected = new Map(
    meaning.guardrails.map((watch) => [watch.guardrail.name, broken.has(watch) ? 'refuted' : 'proved']),
  )
  const found = new Map(proofs.map((proof) => [proof.guardrail.name, proof.outcome]))
  return [...new Set([...expected.keys(), ...found.keys()])]
    .filter((name) => expected.get(name) !== found.get(name))
    .map((name) => `guardrail ${name}: the prover says ${found.get(name)}, the search ${expected.get(name)}`)
}

/** Does each token really break what it is shown for? */
function counterexampleFaults(policy: Policy, meaning: Meaning, proofs: readonly Proof[]): readonly string[] {
  return proofs.flatMap((proof) => {
    if (proof.outcome !== 'refuted') return []
    const { issuer, claims, outcomes } = proof.counterexample
    const rules = meaning.rules.get(issuer)
    const watch = meaning.guardrails.find(({ guardrail }) => guardrail.name === proof.guardrail.name)
    if (rules === undefined || watch === undefined) return [`${proof.guardrail.name}: not of this policy`]
    const read = readRaw(rules.issuer.kind, claims)
    const holds = holdsAnyOf(read)
    const told = `${proof.guardrail.name}: ${JSON.stringify(claims)}`
    const real = realFor(rules, read) && breaks(watch, issuer, givenTo(rules, holds), holds)
    const replayed = outcomes.every(({ target, scope, granted }) => {
      const request = { issuer, claims, target, ...(scope === undefined ? {} : { scopes: [scope] }) }
      return decideByRules(policy, request).allowed === granted
    })
    return [
      ...(real ? [] : [`${told} does not break it by the model`]),
      ...(replayed ? [] : [`${told} is decided otherwise than shown`]),
    ]
  })
}
