import type { Command } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, printable, time } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: `Makes the next signing key and publishes it. It signs once every copy of the key set that others hold can have
it; until then the current key signs, so that nobody is refused.`,
  options: { config: configOption, json: jsonOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly keys rotate --config mayfly.yaml'],
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      const { kid, signsFrom } = await office.rotate()
      const text = `${printable(kid)} signs from ${time(signsFrom)}\n`
      await terminal.write(given.flag('json') ? json({ kid, signsFrom }) : text)
      return 0
    }),
}
