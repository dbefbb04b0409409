import { formatProblem, type Problem } from '@mayfly/policy/problem'
import type { Command } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { readPolicies } from '../policies.ts'
import { json } from '../table.ts'

export const command: Command = {
  usage: '[FOLDER]',
  about: 'FOLDER holds *.policy.yaml and policy.lock.yaml; default: policies. Its own tests run too.',
  options: { json: jsonOption },
  words: { least: 0, most: 1 },
  examples: ['mayfly policy check policies/'],
  exits: { 0: 'the server would take it', 1: 'it would not: every fault is listed with its place' },
  run: async (given, terminal) => {
    const { sources, loaded } = await readPolicies(given.words[0] ?? 'policies')
    const problems = loaded.ok ? loaded.warnings : loaded.problems
    if (given.flag('json')) {
      await terminal.write(json({ ok: loaded.ok, problems }))
      return loaded.ok ? 0 : 1
    }
    const texts = new Map(sources.map(({ path, text }) => [path, text]))
    const shown = (problem: Problem) => formatProblem(problem, texts.get(problem.path))
    for (const problem of problems) terminal.tell(shown(problem))
    if (!loaded.ok) return 1
    const { targets, grants } = loaded.policy
    await terminal.write(
      `ok: ${targets.size} targets, ${grants.length} grants, ${loaded.proofs.length} guardrails proved, ${loaded.tests.length} tests passed, ${problems.length} warnings\n`,
    )
    return 0
  },
}
