import { exportAws } from '@mayfly/policy/convert/aws/export'
import type { Command } from '../command.ts'
import {
  exportExits,
  exportPolicy,
  longerOption,
  subjectOption,
  targetOption,
  templateNote,
} from '../convert/exporting.ts'
import { listOf } from '../convert/importing.ts'

export const command: Command = {
  usage: '[options] [POLICIES]',
  about: `Writes the trust policy of each role that the policy gives, for teams whose roles trust GitHub themselves. What IAM
cannot say is an error that names it: it sees no events, so \`sub\` must be of your own template. There are no leases
there: a session ends with its time.`,
  options: {
    target: targetOption,
    subject: {
      ...subjectOption,
      summary: `${subjectOption.summary}; default: repository_owner_id,event_name`,
    },
    audience: {
      type: 'string',
      value: 'TEXT',
      summary: 'The audience of the tokens; default: sts.amazonaws.com',
    },
    provider: {
      type: 'string',
      value: 'HOST',
      summary: 'The identity provider; default: token.actions.githubusercontent.com',
    },
    longer: longerOption,
  },
  words: { least: 0, most: 1 },
  examples: ['mayfly export aws --longer --target prod-deploy policies/'],
  exits: exportExits,
  run: (given, terminal) =>
    exportPolicy(given, terminal, (policy) => {
      const keys = listOf(given, 'subject')
      const subject = keys.length > 0 ? keys : ['repository_owner_id', 'event_name']
      const targets = listOf(given, 'target')
      const { trusts, notes } = exportAws(policy, {
        ...{ subject, longer: given.flag('longer'), audience: given.text('audience') ?? 'sts.amazonaws.com' },
        provider: given.text('provider') ?? 'token.actions.githubusercontent.com',
        ...(targets.length === 0 ? {} : { targets }),
      })
      return { made: trusts, notes: [...notes, templateNote(subject)] }
    }),
}
