import { importAws } from '@mayfly/policy/convert/aws/import'
import { type Command, ConfigurationFault } from '../command.ts'
import { importExits, importOptions, importRules, memberOf, readJson } from '../convert/importing.ts'

export const command: Command = {
  usage: '[options] FILE...',
  about: `Turns trust policies of IAM roles that trust GitHub into a policy: what \`aws iam get-role\` prints, or the trust
policy alone with --role. The policy never lets in what the role did not; what the role let in beyond what it seemed
to is listed on standard error. Nothing is changed at AWS.`,
  options: {
    role: {
      type: 'string',
      value: 'ARN',
      summary: 'The role, when FILE is its trust policy alone',
    },
    provider: {
      type: 'string',
      value: 'HOST',
      summary: 'The identity provider; default: token.actions.githubusercontent.com',
    },
    ...importOptions,
  },
  words: { least: 1, most: 1000 },
  examples: [
    'aws iam get-role --role-name deploy | mayfly import aws - > policies/deploy.policy.yaml',
    'mayfly import aws --role arn:aws:iam::111122223333:role/deploy trust.json',
  ],
  exits: importExits,
  run: (given, terminal) =>
    importRules(given, terminal, async (setting) => {
      const provider = given.text('provider') ?? 'token.actions.githubusercontent.com'
      const files = await Promise.all(given.words.map((path) => readJson(path, terminal)))
      return files.map((file, at) => {
        const found = memberOf(file, 'Role')
        const role = given.text('role') ?? memberOf(found, 'Arn')
        if (typeof role !== 'string')
          throw new ConfigurationFault(`${given.words[at]} does not say which role it is of; say --role ARN`)
        const document = memberOf(found, 'AssumeRolePolicyDocument') ?? file
        const seconds = memberOf(found, 'MaxSessionDuration')
        return importAws(
          { role, document, ...(typeof seconds === 'number' ? { seconds } : {}) },
          provider,
          setting,
        )
      })
    }),
}
