import type { Command } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { formatPolicies, readPolicies } from '../policies.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: 'Runs the tests that stand in the policy, each with the code that decides in the server.',
  options: { json: jsonOption },
  words: { least: 0, most: 1 },
  examples: ['mayfly policy test policies/'],
  exits: { 0: 'all of them hold', 1: 'one does not, or the policy has faults before its tests could run' },
  run: async (given, terminal) => {
    const read = await readPolicies(given.words[0] ?? 'policies')
    const { loaded } = read
    const tests = loaded.tests.map(({ name, target, expect, grants, place }) => {
      const got = grants.length > 0 ? 'grant' : 'deny'
      const broken =
        !loaded.ok &&
        loaded.problems.some(
          (problem) => problem.code === 'P037' && problem.message.startsWith(`test \`${name}\` `),
        )
      return { name, target, expect, got, grants, passed: !broken && got === expect, place }
    })
    const failed = tests.filter(({ passed }) => !passed).length
    if (given.flag('json')) await terminal.write(json({ ok: loaded.ok, tests }))
    else {
      const lines = tests.map(
        ({ name, target, expect, passed }) => `${passed ? 'ok  ' : 'FAIL'} ${name} (${target}: ${expect})`,
      )
      await terminal.write(
        `${[...lines, `${tests.length - failed} passed, ${failed} failed`].map(printable).join('\n')}\n`,
      )
      if (!loaded.ok) for (const problem of formatPolicies(read)) terminal.tell(problem)
    }
    return loaded.ok ? 0 : 1
  },
}
