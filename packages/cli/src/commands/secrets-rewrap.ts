import type { Command } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: `Opens each envelope with the key that wrapped it, which the configuration still has to name, and seals the same
value in a new one under the key that wraps now. Age and use stay. Works beside a running broker, and may be done again.`,
  options: { config: configOption, json: jsonOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly secrets rewrap --config mayfly.yaml'],
  exits: { 1: 'failed, or some stayed as they were' },
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      const { wrappedBy, rewrapped, failed } = await office.secrets.rewrap()
      if (given.flag('json')) await terminal.write(json({ wrappedBy, rewrapped, failed }))
      else {
        for (const name of rewrapped)
          await terminal.write(printable(`${name} is wrapped by ${wrappedBy}`).concat('\n'))
        for (const { name, reason } of failed) terminal.tell(printable(`${name} stays as it was: ${reason}`))
        if (rewrapped.length + failed.length === 0) await terminal.write('no secrets\n')
      }
      return failed.length === 0 ? 0 : 1
    }),
}
