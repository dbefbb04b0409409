/** check/guardrails: a guardrail that is not proved is an error, with the token that breaks it. */
import { tokenSentence } from '../counterexample.ts'
import type { Policy } from '../policy.ts'
import { type Proof, provePolicy } from '../prove.ts'
import type { Faults } from '../read/faults.ts'

export function checkGuardrails(policy: Policy, faults: Faults): readonly Proof[] {
  const proofs = provePolicy(policy)
  for (const proof of proofs) {
    if (proof.outcome === 'proved') continue
    const { name, place, baseline } = proof.guardrail
    if (proof.outcome === 'unknown') {
      faults.error(
        'P028',
        place,
        `guardrail \`${name}\` is not proved: ${proof.reason}`,
        'split or simplify the rules',
      )
      continue
    }
    const { outcomes } = proof.counterexample
    const culprit = outcomes
      .flatMap(({ grants }) => grants)
      .map((grant) => policy.grants.find((each) => each.name === grant))[0]
    const message = `guardrail \`${name}\` does not hold: ${sentence(proof)}`
    // Nobody wrote a baseline guardrail: its fault stands where the grant is.
    faults.error('P028', baseline && culprit !== undefined ? culprit.place : place, message, hintFor(proof))
  }
  return proofs
}

type Refuted = Extract<Proof, { outcome: 'refuted' }>

/** Who gets what, in one line. */
export function sentence({ guardrail, counterexample }: Refuted): string {
  const who = tokenSentence(counterexample.issuer, counterexample.shown)
  const got = counterexample.outcomes.map(({ target, scope, grants }) => {
    const what = scope === undefined ? `\`${target}\`` : `\`${target}\` scope \`${scope}\``
    return grants.length === 0 ? what : `${what} by ${grants.map((grant) => `\`${grant}\``).join(', ')}`
  })
  if (guardrail.rule === 'always') return `${who} does not get ${got.join(' and ')}`
  return `${who} gets ${got.join(' and ')}`
}

function hintFor({ guardrail }: Refuted): string {
  if (guardrail.rule === 'always') return 'widen a grant or narrow a deny rule, or narrow the guardrail'
  if (guardrail.rule === 'max') return 'shorten `for` of the grant'
  return 'add the condition that is missing to the grant, or a deny rule'
}
