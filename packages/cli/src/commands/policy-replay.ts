import { type Replay, replay } from '@mayfly/policy/replay'
import { type Command, ConfigurationFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { readPolicies } from '../policies.ts'
import { logOptions, readRecorded } from '../recorded-decisions.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: `Decides every recorded request again under the policy in FOLDER (default: policies) and shows what would have
been otherwise: who would have been let in, who refused, who would have got more, less, or for another time.`,
  options: { ...logOptions, json: jsonOption },
  words: { least: 0, most: 1 },
  examples: [
    'mayfly policy replay --log log.jsonl policies/',
    'mayfly policy replay --config mayfly.yaml changed/',
  ],
  exits: { 0: 'every decision would be the same', 1: 'some would not' },
  run: async (given, terminal) => {
    const { loaded } = await readPolicies(given.words[0] ?? 'policies')
    if (!loaded.ok) throw new ConfigurationFault('the policy has faults; `mayfly policy check` shows them')
    const found = await replay(loaded.policy, await readRecorded(given, terminal))
    await terminal.write(given.flag('json') ? json(found) : report(found))
    return found.differences.length === 0 ? 0 : 1
  },
}

/** What happens to those who asked, the dangerous first. */
const words = {
  granted: 'would be let in',
  refused: 'would be refused',
  'more scopes': 'would get more scopes',
  'fewer scopes': 'would get fewer scopes',
  'other scopes': 'would get other scopes',
  longer: 'would get it for longer',
  shorter: 'would get it for a shorter time',
  undecided: 'cannot be told: the log holds not all of their claims',
} as const

function report({ decisions, same, differences }: Replay): string {
  const head = `${decisions} decisions, ${same} the same, ${decisions - same} otherwise`
  const rows = differences.flatMap(({ change, target, before, after, count, entries }) => [
    `${count} ${count === 1 ? 'request' : 'requests'} for ${target} ${words[change]}`,
    `  then: ${before}`,
    `  now:  ${after}`,
    `  entries: ${entries.join(' ')}${count > entries.length ? ' ...' : ''}`,
  ])
  return `${[head, ...rows].map(printable).join('\n')}\n`
}
