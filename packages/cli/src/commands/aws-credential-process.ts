import { awsKeys } from '../caller/aws-endpoint.ts'
import { giveBack, obtain, tellRefusal } from '../caller/held.ts'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import { type Command, UsageFault } from '../command.ts'
import { json } from '../table.ts'

export const command: Command = {
  usage: '--target NAME [options]',
  about: `Prints keys as \`credential_process\` of AWS's tools wants them; they call it again when the keys are about to end.
Each call is an exchange, and needs a token of its own. The keys end with their time, which the job's end cannot shorten;
their lease ends with the job.`,
  options: {
    ...callerOptions,
    target: { type: 'string', value: 'NAME', summary: 'A target of kind aws_role' },
  },
  words: { least: 0, most: 0 },
  examples: [
    'mayfly aws-credential-process --url https://mayfly.example.com --target deploy   # in ~/.aws/config',
  ],
  exits: { 1: 'the broker refused, or could not be reached' },
  run: async (given, terminal) => {
    const url = brokerOf(given, terminal)
    const target = given.text('target')
    if (target === undefined) throw new UsageFault('--target is missing: a target of kind aws_role')
    const tokens = await tokensOf(given, terminal, url)
    try {
      const credential = await obtain({ url, tokens, scope: undefined }, target)
      const { kind, parts } = credential
      if (parts === undefined || parts['secret_access_key'] === undefined) {
        await giveBack(url, credential, terminal)
        throw new UsageFault(`\`${target}\` is of kind ${kind ?? 'unknown'}, and gives no keys of AWS`)
      }
      const { Token, ...keys } = awsKeys(parts)
      await terminal.write(json({ Version: 1, ...keys, SessionToken: Token }))
      return 0
    } catch (thrown) {
      if (!tellRefusal(thrown, terminal)) throw thrown
      return 1
    }
  },
}
