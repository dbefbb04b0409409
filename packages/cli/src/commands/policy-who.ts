import { who } from '@mayfly/policy/reach'
import { type Command, ConfigurationFault, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { readPolicies } from '../policies.ts'
import { json, printable } from '../table.ts'
import { wrapped } from '../wrap.ts'

export const command: Command = {
  usage: '[options] TARGET [FOLDER]',
  about: 'Lists every way to a target that the deny rules leave open, in the words of the policy.',
  options: {
    policies: { type: 'string', value: 'FOLDER', summary: 'The same as FOLDER' },
    json: jsonOption,
  },
  words: { least: 1, most: 2 },
  examples: ['mayfly policy who orders-api policies/'],
  exits: { 0: 'somebody can get it', 1: 'nobody can' },
  run: async (given, terminal) => {
    const [target = '', second] = given.words
    const folder = given.text('policies') ?? second ?? 'policies'
    const { loaded } = await readPolicies(folder)
    if (!loaded.ok) throw new ConfigurationFault('the policy has faults; `mayfly policy check` shows them')
    if (!loaded.policy.targets.has(target))
      throw new UsageFault(
        `the policy has no target \`${printable(target)}\`; it has ${[...loaded.policy.targets.keys()].join(', ')}`,
      )
    const ways = who(loaded.policy, target)
    if (given.flag('json')) await terminal.write(json({ target, ways }))
    else {
      const lines = ways.flatMap(({ grant, seconds, scopes, conditions, unless, certain }) => [
        `${grant}: ${seconds} s${scopes.length === 0 ? '' : `, ${scopes.join(' ')}`}${certain ? '' : ' (perhaps)'}`,
        ...conditions.map((condition) => `  ${condition}`),
        ...unless.map((deny) => `  unless deny rule \`${deny}\` applies`),
      ])
      await terminal.write(
        `${(lines.length === 0 ? [`nobody gets ${target}`] : lines).map(printable).flatMap(wrapped).join('\n')}\n`,
      )
    }
    return ways.length === 0 ? 1 : 0
  },
}
