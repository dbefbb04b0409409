import { tokenSentence } from '@mayfly/policy/counterexample'
import type { Proof } from '@mayfly/policy/prove'
import type { Command } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { formatPolicies, readPolicies } from '../policies.ts'
import { json, printable } from '../table.ts'
import { wrapped } from '../wrap.ts'

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: `Proves each guardrail for every token that the platforms could issue, or shows one that breaks it. Loading does
the same; this shows the reasons.`,
  options: { json: jsonOption },
  words: { least: 0, most: 1 },
  examples: ['mayfly policy prove policies/'],
  exits: { 0: 'all of them hold', 1: 'one does not, or the policy has faults' },
  run: async (given, terminal) => {
    const read = await readPolicies(given.words[0] ?? 'policies')
    const { proofs, ok } = read.loaded
    if (given.flag('json')) await terminal.write(json({ ok, proofs: proofs.map(plainProof) }))
    else {
      await terminal.write(
        `${[...proofs.flatMap(lines), summary(proofs)].map(printable).flatMap(wrapped).join('\n')}\n`,
      )
      if (!ok) for (const problem of formatPolicies(read)) terminal.tell(problem)
    }
    return ok ? 0 : 1
  },
}

function plainProof({ guardrail, ...outcome }: Proof) {
  const { name, rule, baseline, place } = guardrail
  return { guardrail: name, rule, baseline, place, ...outcome }
}

function summary(proofs: readonly Proof[]): string {
  const proved = proofs.filter(({ outcome }) => outcome === 'proved').length
  return `${proved} of ${proofs.length} guardrails proved`
}

/** Reasons that are the same for many grants are said once. */
function lines(proof: Proof): readonly string[] {
  if (proof.outcome === 'unknown') return [`not proved  ${proof.guardrail.name}`, `  ${proof.reason}`]
  if (proof.outcome === 'refuted') {
    const { issuer, shown, outcomes, claims } = proof.counterexample
    const got = outcomes.map(({ target, grants }) => `${target} (${grants.join(', ') || 'refused'})`)
    return [
      `BROKEN      ${proof.guardrail.name}`,
      `  ${tokenSentence(issuer, shown)}`,
      `  gets ${got.join(' and ')}`,
      `  the whole token: ${JSON.stringify(claims)}`,
    ]
  }
  const reasons = Map.groupBy(proof.certificates, ({ because }) => because)
  const said = [...reasons].map(([because, all]) => {
    const grants = [...new Set(all.map(({ grant }) => grant))]
    const named = grants.slice(0, 3).join(', ') + (grants.length > 3 ? ` and ${grants.length - 3} more` : '')
    return `  ${because}: ${named}`
  })
  return [`proved      ${proof.guardrail.name}`, ...(said.length === 0 ? ['  no grants meet'] : said)]
}
