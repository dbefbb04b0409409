/** A second engine, which shares nothing with the first: the solver z3 judges guardrails of random policies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { init, killThreads } from 'z3-solver'
import { provePolicy } from '../src/prove.ts'
import { built } from './exhaustive.ts'
import { Chance } from './model/chance.ts'
import { type Meaning, meaningOf, type Watch } from './model/meaning.ts'
import { policyText } from './model/policy-text.ts'
import { randomPolicy } from './model/random-policy.ts'
import { questionOf } from './model/smt.ts'

const seed = Number(process.env['MAYFLY_SEED'] ?? Date.now() % 2 ** 32)
const policies = 300
const milliseconds = 400

type Ask = (question: string) => Promise<string>

/** Is there a token that breaks it, of any issuer? */
async function verdict(ask: Ask, meaning: Meaning, watch: Watch): Promise<string> {
  let answer = 'proved'
  for (const rules of meaning.rules.values()) {
    const said = await ask(questionOf(meaning, rules, watch))
    if (said === 'sat') return 'refuted'
    if (said === 'unknown') answer = said
    else assert.equal(said, 'unsat', questionOf(meaning, rules, watch))
  }
  return answer
}

test(`z3 gives the prover's verdicts on ${policies} random policies`, async (context) => {
  const { Z3, em } = await init()
  // A context for each question: one that ran into its timeout was once seen to spoil the next.
  const ask: Ask = async (question) => {
    const solver = Z3.mk_context(Z3.mk_config())
    const said = await Z3.eval_smtlib2_string(solver, `(set-option :timeout ${milliseconds})${question}`)
    Z3.del_context(solver)
    return said.trim()
  }
  const chance = new Chance(seed)
  const tally: Record<string, number> = { proved: 0, refuted: 0, unknown: 0 }
  try {
    for (let count = 0; count < policies; ) {
      const model = randomPolicy(chance)
      const policy = built(model)
      if (policy === undefined) continue
      const meaning = meaningOf(model)
      if (meaning.guardrails.length === 0) continue
      count++
      const proofs = new Map(provePolicy(policy).map((proof) => [proof.guardrail.name, proof.outcome]))
      for (const watch of chance.some(meaning.guardrails, 1, 2)) {
        const { name } = watch.guardrail
        const found = await verdict(ask, meaning, watch)
        tally[found] = (tally[found] ?? 0) + 1
        if (found === 'unknown') continue
        assert.equal(proofs.get(name), found, `MAYFLY_SEED=${seed}: ${name} of ${policyText(model)}`)
      }
    }
  } finally {
    context.diagnostic(`MAYFLY_SEED=${seed} ${JSON.stringify(tally)}`)
    await killThreads(em)
  }
  assert.deepEqual(Object.keys(tally).toSorted(), ['proved', 'refuted', 'unknown'])
  assert.ok((tally['unknown'] ?? 0) < policies / 3, JSON.stringify(tally))
})
