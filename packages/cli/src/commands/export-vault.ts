import { exportVault } from '@mayfly/policy/convert/vault/export'
import { type Command, UsageFault } from '../command.ts'
import { exportExits, exportPolicy, targetOption } from '../convert/exporting.ts'
import { listOf } from '../convert/importing.ts'

export const command: Command = {
  usage: '--audience URL [options] [POLICIES]',
  about: `Writes roles of Vault's JWT method: for each target one, or one for each alternative, with a Vault policy of the
target's name. What a role cannot say is an error that names it: no missing claims, no negation, no pattern.`,
  options: {
    audience: { type: 'string', value: 'URL', summary: 'The audience of the tokens' },
    target: targetOption,
  },
  words: { least: 0, most: 1 },
  examples: ['mayfly export vault --audience https://vault.acme.dev --target orders-db policies/'],
  exits: exportExits,
  run: (given, terminal) =>
    exportPolicy(given, terminal, (policy) => {
      const audience = given.text('audience')
      if (audience === undefined)
        throw new UsageFault('--audience is missing: what jobs ask for their tokens')
      const targets = listOf(given, 'target')
      const { roles } = exportVault(policy, {
        ...{ audience, longer: false },
        ...(targets.length === 0 ? {} : { targets }),
      })
      return { made: roles, notes: [] }
    }),
}
