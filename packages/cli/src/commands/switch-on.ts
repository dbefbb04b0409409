import type { Command } from '../command.ts'
import { withOffice } from '../configured.ts'
import { reasonOf, switchOf, switchOptions } from '../switched.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '--target NAME | --issuer NAME | --repo OWNER/REPO | --actor NAME [options]',
  about: 'What ended stays ended; jobs ask anew. The policy decides as before.',
  options: switchOptions,
  words: { least: 0, most: 0 },
  examples: ['mayfly switch on --target deploy-prod'],
  exits: { 1: 'failed, or it was not off' },
  run: (given, terminal) => {
    const what = switchOf(given)
    return withOffice(given, terminal, async (office) => {
      const off = (await office.switches()).some(({ of, name }) => of === what.of && name === what.name)
      if (off) await office.switchOn(what, reasonOf(given))
      else
        terminal.tell(`${what.of} ${printable(what.name)} is not off; \`mayfly switch list\` shows what is`)
      if (given.flag('json')) await terminal.write(json({ ...what, off: false, changed: off }))
      else if (off) await terminal.write(`${what.of} ${printable(what.name)} is on\n`)
      return off ? 0 : 1
    })
  },
}
