import type { Command } from '../command.ts'
import { configOption, withOffice } from '../configured.ts'
import { printable } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: `JSON lines on standard output: the signed head, then every entry. Works beside a running broker. The log's
key goes to standard error; keep it where the broker's operator cannot write.`,
  options: { config: configOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly audit export --config mayfly.yaml > log.jsonl'],
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      terminal.progress('exporting the log')
      const { entries, logKey } = await office.exportLog(terminal.write)
      terminal.tell(`${entries} entries; the log's key is ${printable(logKey)}`)
      return 0
    }),
}
