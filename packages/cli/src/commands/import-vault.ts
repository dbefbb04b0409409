import { basename } from 'node:path'
import { importVault } from '@mayfly/policy/convert/vault/import'
import type { Command } from '../command.ts'
import { importExits, importOptions, importRules, readJson } from '../convert/importing.ts'

export const command: Command = {
  usage: '[options] FILE...',
  about: `Turns roles of Vault's JWT method into a policy: what \`vault read -format=json auth/jwt/role/NAME\` prints, in
NAME.json. What a role's policies let it read is not in the role: each target is a secret of the role's name until you
say what it is.`,
  options: importOptions,
  words: { least: 1, most: 1000 },
  examples: ['vault read -format=json auth/jwt/role/deploy > deploy.json && mayfly import vault deploy.json'],
  exits: importExits,
  run: (given, terminal) =>
    importRules(given, terminal, async (setting) => {
      const roles = await Promise.all(given.words.map((path) => readJson(path, terminal)))
      return roles.map((role, at) =>
        importVault({ name: basename(given.words[at] ?? '', '.json'), role }, setting),
      )
    }),
}
