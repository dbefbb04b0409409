/** A second engine, which shares nothing with the first: the solver z3 judges guardrails of random policies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { init, killThreads, Z3_lbool } from 'z3-solver'
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

type Verdict = 'proved' | 'refuted' | 'unknown'
type Ask = (question: string) => Promise<Verdict>

/** Is there a token that breaks it, of any issuer? */
async function verdict(ask: Ask, meaning: Meaning, watch: Watch): Promise<Verdict> {
  let answer: Verdict = 'proved'
  for (const rules of meaning.rules.values()) {
    const said = await ask(questionOf(meaning, rules, watch))
    if (said === 'refuted') return said
    if (said === 'unknown') answer = said
  }
  return answer
}

test(`z3 gives the prover's verdicts on ${policies} random policies`, async (context) => {
  const { Z3, em } = await init()
  // Not `eval_smtlib2_string`: it hands the text to a thread that reads it when its memory may have been reused.
  const ask: Ask = async (question) => {
    const z3 = Z3.mk_context(Z3.mk_config())
    const solver = Z3.mk_solver(z3)
    Z3.solver_inc_ref(z3, solver)
    Z3.solver_from_string(z3, solver, question)
    assert.equal(Z3.get_error_code(z3), 0, Z3.solver_to_string(z3, solver))
    const parameters = Z3.mk_params(z3)
    Z3.params_inc_ref(z3, parameters)
    Z3.params_set_uint(z3, parameters, Z3.mk_string_symbol(z3, 'timeout'), milliseconds)
    Z3.solver_set_params(z3, solver, parameters)
    const said = await Z3.solver_check(z3, solver)
    Z3.del_context(z3)
    return said === Z3_lbool.Z3_L_TRUE ? 'refuted' : said === Z3_lbool.Z3_L_FALSE ? 'proved' : 'unknown'
  }
  const chance = new Chance(seed)
  const tally: Record<Verdict, number> = { proved: 0, refuted: 0, unknown: 0 }
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
        tally[found]++
        if (found === 'unknown') continue
        assert.equal(proofs.get(name), found, `MAYFLY_SEED=${seed}: ${name} of ${policyText(model)}`)
      }
    }
  } finally {
    context.diagnostic(`MAYFLY_SEED=${seed} ${JSON.stringify(tally)}`)
    await killThreads(em)
  }
  assert.ok(
    tally.unknown < policies / 3 && Math.min(tally.proved, tally.refuted) > policies / 5,
    JSON.stringify(tally),
  )
})
