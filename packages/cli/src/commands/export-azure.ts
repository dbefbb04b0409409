import { exportAzure } from '@mayfly/policy/convert/azure/export'
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
  about: `Writes the federated credentials of each application that the policy gives. Entra compares the subject whole: every
condition must be a listed value in the template of \`sub\`. What it cannot say is an error that names it.`,
  options: {
    target: targetOption,
    subject: { ...subjectOption, summary: `${subjectOption.summary}; default: repo,event_name,ref` },
    audience: {
      type: 'string',
      value: 'TEXT',
      summary: 'The audience of the tokens; default: api://AzureADTokenExchange',
    },
    issuer: {
      type: 'string',
      value: 'URL',
      summary: 'The issuer; default: https://token.actions.githubusercontent.com',
    },
    longer: longerOption,
  },
  words: { least: 0, most: 1 },
  examples: ['mayfly export azure --longer --subject repo,environment,event_name policies/'],
  exits: exportExits,
  run: (given, terminal) =>
    exportPolicy(given, terminal, (policy) => {
      const keys = listOf(given, 'subject')
      const subject = keys.length > 0 ? keys : ['repo', 'event_name', 'ref']
      const targets = listOf(given, 'target')
      const { trusts, notes } = exportAzure(policy, {
        ...{ subject, longer: given.flag('longer') },
        audience: given.text('audience') ?? 'api://AzureADTokenExchange',
        issuerUri: given.text('issuer') ?? 'https://token.actions.githubusercontent.com',
        ...(targets.length === 0 ? {} : { targets }),
      })
      return { made: trusts, notes: [...notes, templateNote(subject)] }
    }),
}
