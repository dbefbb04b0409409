import type { Command } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, table } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: 'When and why is in the log: `mayfly audit export`, entries `switch.off`.',
  options: { config: configOption, json: jsonOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly switch list --config mayfly.yaml'],
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      const off = await office.switches()
      const rows = off.map(({ of, name }) => [of, name])
      const text = rows.length === 0 ? 'nothing is switched off\n' : table(['OFF', 'NAME'], rows)
      await terminal.write(given.flag('json') ? json({ off }) : text)
      return 0
    }),
}
