import type { Command } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] NAME',
  about: `From now on no job gets it. Who got it still has it: end it at its place too. A copy of the database from before
still opens with the key that wrapped it.`,
  options: { config: configOption, json: jsonOption },
  words: { least: 1, most: 1 },
  examples: ['mayfly secrets remove npm-publish --config mayfly.yaml'],
  exits: { 1: 'failed, or there was none' },
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      const [name = ''] = given.words
      const removed = await office.secrets.remove(name)
      if (given.flag('json')) await terminal.write(json({ name, removed }))
      else if (removed) await terminal.write(`${printable(name)} is removed\n`)
      else terminal.tell(`the store has no secret \`${printable(name)}\``)
      return removed ? 0 : 1
    }),
}
