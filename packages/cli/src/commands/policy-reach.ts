import { conditionsOf } from '@mayfly/policy/conditions'
import { formatProblem } from '@mayfly/policy/problem'
import { reach } from '@mayfly/policy/reach'
import { type Command, ConfigurationFault, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { readPolicies, readPolicySources } from '../policies.ts'
import { json, table } from '../table.ts'

export const command: Command = {
  usage: '[options] WHO [FOLDER]',
  about: `Lists every target that some token of WHO can get. WHO is the name of an entry of \`who\`, or conditions as a
policy writes them.`,
  options: {
    policies: { type: 'string', value: 'FOLDER', summary: 'The same as FOLDER' },
    issuer: { type: 'string', value: 'NAME', summary: 'The issuer in the policy; default: its only one' },
    json: jsonOption,
  },
  words: { least: 1, most: 2 },
  examples: [
    "mayfly policy reach '{ repo: acme/shop, branch: main }' policies/",
    'mayfly policy reach staging-job policies/',
  ],
  run: async (given, terminal) => {
    const [words = '', second] = given.words
    const folder = given.text('policies') ?? second ?? 'policies'
    const { loaded } = await readPolicies(folder)
    if (!loaded.ok) throw new ConfigurationFault('the policy has faults; `mayfly policy check` shows them')
    const { files, lock } = await readPolicySources(folder)
    const read = conditionsOf(words, files, lock, given.text('issuer'))
    if (!read.ok)
      throw new UsageFault(read.problems.map((problem) => formatProblem(problem, words)).join('\n'))
    const reached = reach(loaded.policy, read.issuer, read.boxes)
    if (given.flag('json')) await terminal.write(json({ issuer: read.issuer, reached }))
    else {
      const rows = reached.map(({ target, tier, access, scopes, seconds, grants, certain }) => [
        certain ? target : `${target} (perhaps)`,
        tier,
        access,
        `${seconds} s`,
        scopes.join(' ') || '-',
        grants.join(', '),
      ])
      const head = ['TARGET', 'TIER', 'ACCESS', 'FOR', 'SCOPES', 'GRANTS']
      await terminal.write(rows.length === 0 ? 'nothing\n' : table(head, rows))
    }
    return 0
  },
}
