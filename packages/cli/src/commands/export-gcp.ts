import { exportGcp } from '@mayfly/policy/convert/gcp/export'
import { type Command, UsageFault } from '../command.ts'
import { exportExits, exportPolicy, longerOption, targetOption } from '../convert/exporting.ts'
import { listOf } from '../convert/importing.ts'

export const command: Command = {
  usage: '--pool POOL --audience URL [options] [POLICIES]',
  about: `Writes a provider of a workload identity pool for each service account that the policy gives, and the member to whom
the account gives roles/iam.workloadIdentityUser. What a condition cannot say is an error that names it. There are no
leases there: a session ends with its time.`,
  options: {
    pool: {
      type: 'string',
      value: 'POOL',
      summary:
        'projects/NUMBER/locations/global/workloadIdentityPools/NAME; a pool for these providers alone',
    },
    audience: { type: 'string', value: 'URL', summary: 'The audience of the tokens' },
    target: targetOption,
    issuer: {
      type: 'string',
      value: 'URL',
      summary: 'The issuer; default: https://token.actions.githubusercontent.com',
    },
    longer: longerOption,
  },
  words: { least: 0, most: 1 },
  examples: [
    'mayfly export gcp --longer --pool projects/123456789/locations/global/workloadIdentityPools/ci --audience https://ci.acme.dev policies/',
  ],
  exits: exportExits,
  run: (given, terminal) =>
    exportPolicy(given, terminal, (policy) => {
      const [pool, audience] = [given.text('pool') ?? '', given.text('audience')]
      if (!/^projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+$/.test(pool))
        throw new UsageFault('--pool is projects/NUMBER/locations/global/workloadIdentityPools/NAME')
      if (audience === undefined)
        throw new UsageFault('--audience is missing: what jobs ask for their tokens')
      const targets = listOf(given, 'target')
      const { trusts, notes } = exportGcp(policy, {
        ...{ pool, audience, longer: given.flag('longer') },
        issuerUri: given.text('issuer') ?? 'https://token.actions.githubusercontent.com',
        ...(targets.length === 0 ? {} : { targets }),
      })
      return { made: trusts, notes }
    }),
}
